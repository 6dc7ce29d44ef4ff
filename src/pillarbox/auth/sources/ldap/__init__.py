"""Accounts in an LDAP directory: found by a search, proved by a bind.

``patterns`` puts a user's name into filters and DNs; ``entry`` makes an account of what a
directory says; ``connection`` speaks with one, by python-ldap; ``source`` is the whole.
"""
