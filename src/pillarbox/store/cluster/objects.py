"""Bodies in an S3-compatible object store.

An object is written once, under an identifier that is never used again, and never changed: so there is
nothing to be read that is half old and half new, whatever the store's consistency.
"""
