"""Rules between the settings of ``[auth.oauth]``, as in :mod:`.checks`."""

from __future__ import annotations

from collections.abc import Iterator

from pillarbox.app.config.key_place import KeysAtUrl
from pillarbox.app.config.settings import OAuth
from pillarbox.auth.oauth.settings import discovery_url
from pillarbox.safe_url import UnsafeUrl, check_safe

_BOTH_WAYS = ("audience", "scopes", "user_claim", "jwks", "client_id", "client_secret_file")


def oauth_faults(oauth: OAuth) -> Iterator[tuple[str, str, str]]:
    """What keeps tokens from being checked: ``(setting, problem, hint)``."""
    if not oauth.wanted:
        hint = 'set auth.oauth.issuer to the URL of the provider, as in "https://id.example.org"'
        for key in _BOTH_WAYS:
            if getattr(oauth, key):
                yield f"auth.oauth.{key}", "says nothing without an issuer", hint
        return
    yield from _words(oauth)
    yield from _introspection(oauth) if oauth.introspection else _signatures(oauth)


def _words(oauth: OAuth) -> Iterator[tuple[str, str, str]]:
    for key in ("audience", "scopes"):
        for word in getattr(oauth, key):
            if not word or (key == "scopes" and not word.isascii()) or " " in word:
                problem = f'"{word}" is not one name'
                yield f"auth.oauth.{key}", problem, 'write a list: ["one", "two"]'
    if oauth.user_claim == "":
        yield "auth.oauth.user_claim", "is empty", "name a claim, or leave it out"


def _introspection(oauth: OAuth) -> Iterator[tuple[str, str, str]]:
    yield from _unsafe("introspection", oauth.introspection or "")
    if oauth.jwks is not None:
        problem = "is not used when tokens are checked by introspection"
        yield "auth.oauth.jwks", problem, "leave one of the two out"
    if oauth.client_secret_file is None:
        problem = "asks nobody without a secret: providers tell strangers nothing"
        hint = "set auth.oauth.client_id, and client_secret_file to a file with the secret"
        yield "auth.oauth.introspection", problem, hint


def _signatures(oauth: OAuth) -> Iterator[tuple[str, str, str]]:
    if not oauth.audience:
        problem = "is missing: tokens that were given out for something else would open mailboxes"
        yield "auth.oauth.audience", problem, 'say what "aud" is in tokens for this server'
    for key in ("client_id", "client_secret_file"):
        if getattr(oauth, key) is not None:
            problem = "is used with auth.oauth.introspection only"
            yield f"auth.oauth.{key}", problem, "leave it out"
    if not oauth.algorithms:
        yield "auth.oauth.algorithms", "is empty: no token counts", "leave it out"
    if oauth.jwks is None:
        yield from _unsafe("issuer", discovery_url(oauth.issuer or ""))
    elif isinstance(oauth.jwks, KeysAtUrl):
        yield from _unsafe("jwks", oauth.jwks.url)


def _unsafe(key: str, url: str) -> Iterator[tuple[str, str, str]]:
    try:
        check_safe(url, "keys and tokens")
    except UnsafeUrl as unsafe:
        yield f"auth.oauth.{key}", str(unsafe), 'write one like "https://id.example.org/…"'


def oauth_doubts(oauth: OAuth) -> Iterator[tuple[str, str, str]]:
    """What works, and is probably not what anybody wants."""
    if oauth.introspection and not oauth.audience and not oauth.scopes:
        problem = "every token of this provider opens its user's mailbox, whatever it is for"
        hint = "set auth.oauth.audience, or a scope that only mail programs get"
        yield "auth.oauth.introspection", problem, hint
