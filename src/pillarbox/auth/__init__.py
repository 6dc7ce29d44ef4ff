"""Accounts and signing in.

``names`` and ``addresses`` say which account is meant. ``accounts`` keeps accounts, ``devices`` their
app passwords (``app_passwords``) and ``scram_table`` their keys for SCRAM in one file
(``accounts_file``, ``accounts_schema``); ``sources`` are the other places where accounts may be, and
``users`` finds them wherever they are. ``passwords`` hashes, ``schemes`` knows the hashes of other
servers, ``scram_keys`` makes keys. ``authenticator`` answers who somebody is: ``proofs`` say how each
kind of claim is proved, ``cache`` is quick for those who are known, ``throttle`` slow for those who guess.
``directory`` answers whose mail it is. What can go wrong is in ``errors``.
``oauth`` says whose an access token is; it needs libraries that not everybody has.
"""
