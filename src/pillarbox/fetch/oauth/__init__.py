"""OAuth 2: signing in to a mailbox without giving a password to this program.

A person signs in once, in a browser (``login``), in one of two ways: by a code that is typed
in anywhere (``device``, RFC 8628), or by a browser on this machine that comes back to it
(``browser``, RFC 8252 with PKCE, RFC 7636). What remains is a *refresh token*, as good as a
password and kept like one (``store``). With it the provider gives out *access tokens* that
last about an hour (``source``); they sign in to the mailbox and are never written down.

Providers want to know which program asks: its ``client_id``. Users give their own, since
those of other programs are not ours to use.

Read in this order: ``settings``, ``grants``, ``device``, ``browser``, ``store``, ``source``.
"""
