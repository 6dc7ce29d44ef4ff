"""Whose is an access token? Checking those that clients sign in with (OAUTHBEARER, XOAUTH2).

Somebody else, the *issuer*, has looked at a person's password, second factor and all, and has
given the person's mail program a token for us, the *audience*. There are two kinds:

* a JSON Web Token says everything itself, and the issuer's signature proves it (RFC 7519). The
  issuer's keys come from a file or from the web (``key_source``), and change from time to time;
* any other is a word that only its issuer understands, and the issuer has to be asked what it
  means, each time (``introspection``, RFC 7662).

What is asked of either is the same, and is in ``claims``: from that issuer, for us, valid now,
with the scopes that are needed, anybody's to use who bears it; and whose it is. RFC 8725 (what
goes wrong with JSON Web Tokens) and RFC 9068 (tokens as JSON Web Tokens) are behind most rules.

Nothing that a token itself says decides how it is checked: the algorithms that count are a list
of ours, a key fits algorithms of its own type only, and addresses and keys in a token's header
are not looked at.

Read in this order: ``settings``, ``claims``, ``keys``, ``jwt``, ``web``, ``key_source``,
``introspection``, ``memory``, ``checker``. Two libraries are needed (the extra ``oauth``):
joserfc by ``keys`` and ``jwt``, httpx by ``web``. So nothing of this is imported unless
tokens are taken.
"""
