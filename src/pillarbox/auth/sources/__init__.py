"""Account sources: where accounts may be kept beside our own accounts.

A *source* knows users that somebody else manages: a passwd-file, an SQL database, an LDAP
directory, the system by way of PAM. It finds a user and proves a password; everything else
(devices, their views, throttling, what is remembered of proofs) is the same for all users and
no source's business. ``contract`` says what a source promises; one file for each.

Our own accounts are asked first, then the sources in the order in which ``auth.sources`` names
them. The first that knows a user is the one that counts.
"""
