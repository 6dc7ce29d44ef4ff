"""Accounts and signing in.

``names`` and ``addresses`` say which account is meant. ``accounts`` keeps accounts, ``devices`` their
app passwords (``app_passwords``) and ``scram_table`` their keys for SCRAM in one ``place``: a file
(``accounts_file``, ``file_change``, ``accounts_schema``) or the database of a ``cluster``; ``kept_secrets`` are a
place's own, and ``copying`` is from one to another. A server asks the ``register``. ``sources`` are where else
accounts may be, and ``users`` finds them wherever they are. ``passwords`` hashes, ``schemes`` knows the hashes of other
servers, ``scram_keys`` makes keys. ``authenticator`` answers who somebody is: ``proofs`` say how each
kind of claim is proved, ``cache`` is quick for those who are known, ``throttle`` slow for those who guess.
``directory`` answers whose mail it is. What can go wrong is in ``errors``.
``oauth`` says whose an access token is; it needs libraries that not everybody has.
"""
