"""What can go wrong with OAuth 2.

::

    PillarboxError
    └── OAuthError
        ├── InvalidOAuthSettings   the configuration cannot work (usage)
        ├── SignInNeeded           nobody has signed in yet, or it counts no longer
        ├── SignInFailed           a sign-in was begun, and denied or not finished
        ├── ProviderRefused        the provider does not want this program, or what it asks for
        ├── ProviderUnreachable    no answer, or one that says "later": worth another try
        ├── ProviderGarbage        an answer that is none
        └── TokensUnusable         the refresh token cannot be read or kept

A text is a whole sentence for a user: what is wrong, and what to do. No token is in it.
"""

from __future__ import annotations

from pillarbox.contracts.errors import PillarboxError

MAX_QUOTED = 300
"""Characters of a provider's explanation that are shown. Microsoft's fill several lines."""


class OAuthError(PillarboxError):
    """There is no access token to be had."""


class InvalidOAuthSettings(OAuthError):
    """The configuration of the account's OAuth 2 cannot work."""


class SignInNeeded(OAuthError):
    """A person has to sign in (again)."""


class SignInFailed(OAuthError):
    """A sign-in that a person began did not succeed."""


class ProviderRefused(OAuthError):
    """The provider refuses for a reason that signing in again does not change."""


class ProviderUnreachable(OAuthError):
    """The provider cannot be asked now."""


class ProviderGarbage(OAuthError):
    """The provider's answer cannot be understood."""


class TokensUnusable(OAuthError):
    """The refresh token cannot be read or kept."""


def quoted(text: str) -> str:
    """What a provider said, fit for a terminal: one line, printable, bounded."""
    line = " ".join(text.split())
    shown = "".join(char if char.isprintable() else "?" for char in line[:MAX_QUOTED])
    return f'"{shown}…"' if len(line) > MAX_QUOTED else f'"{shown}"'
