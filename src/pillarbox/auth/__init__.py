"""Accounts and signing in.

``names`` and ``addresses`` say which account is meant; ``accounts`` keeps them in a file
(``accounts_file``); ``passwords`` hashes; ``authenticator`` answers who somebody is, with
``cache`` to be quick for those who are known and ``throttle`` to be slow for those who
guess; ``directory`` answers whose mail it is. What can go wrong is in ``errors``.
``oauth`` says whose an access token is; it needs libraries that not everybody has.
"""
