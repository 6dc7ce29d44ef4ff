"""The token endpoint: something that proves the right to is exchanged for tokens (RFC 6749).

Every flow ends here, each with a *grant* of its own: a device code, an authorization code, a
refresh token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pillarbox.fetch.oauth.errors import (
    OAuthError,
    ProviderGarbage,
    ProviderRefused,
    ProviderUnreachable,
    quoted,
)
from pillarbox.fetch.oauth.settings import OAuth2, Provider
from pillarbox.fetch.oauth.web import Answer, post_form

LONGEST_LIFE = 24 * 3600.0
"""Seconds for which an access token is believed to last, whatever the provider says."""
MAX_TOKEN = 16 * 1024
"""Characters; the longest that are known have about 4,000, and a line of POP3 has to hold it."""

_OK = 200

_ADVICE = {
    "invalid_client": "check client_id and client_secret in the account's oauth2 settings",
    "unauthorized_client": "the registered program may not sign in this way: see its "
    "registration with the provider",
    "invalid_scope": "check the scopes in the account's oauth2 settings",
    "unsupported_grant_type": "check the URLs in the account's oauth2 settings",
}
"""error of RFC 6749, section 5.2: what the user can do about it."""


class Tokens(NamedTuple):
    """What a grant was exchanged for."""

    access_token: str
    lifetime: float
    """Seconds for which the access token may be used; 0 if the provider does not say."""
    refresh_token: str | None
    """None: there is none, or the one that was used stays."""

    def __repr__(self) -> str:
        """Without the tokens."""
        return f"Tokens(lifetime={self.lifetime})"


class GrantRefused(OAuthError):
    """The provider gave no tokens, for a reason that RFC 6749 or an extension names."""

    def __init__(self, error: str, description: str) -> None:
        said = f": it says {quoted(description)}" if description else ""
        super().__init__(f"the provider refuses ({quoted(error)}){said}")
        self.error = error
        """A word for programs."""

    def final(self) -> ProviderRefused:
        """The same for users, when the flow has no better explanation."""
        advice = _ADVICE.get(self.error)
        return ProviderRefused(f"{self}; {advice}" if advice else str(self))


async def exchange(
    provider: Provider, settings: OAuth2, grant_type: str, grant: Mapping[str, str]
) -> Tokens:
    """Exchange a grant for tokens.

    Raises:
        GrantRefused: it is not accepted, or not yet.
        ProviderUnreachable, ProviderGarbage: see there.
    """
    form = {"grant_type": grant_type, **identification(settings), **grant}
    answer = await post_form(provider.token_url, form)
    refuse_errors(answer)
    return _tokens(answer, provider.token_url)


def identification(settings: OAuth2) -> dict[str, str]:
    """The fields that say which program asks (RFC 6749, section 2.3.1)."""
    fields = {"client_id": settings.client_id}
    if settings.client_secret:
        fields["client_secret"] = settings.client_secret
    return fields


def refuse_errors(answer: Answer) -> None:
    """Raise what an error's answer says (RFC 6749, section 5.2).

    Raises:
        GrantRefused: an error.
        ProviderUnreachable: an error that passes.
        ProviderGarbage: neither an error nor a success.
    """
    error = answer.text("error")
    if error in {"temporarily_unavailable", "server_error"}:
        raise ProviderUnreachable("the provider has trouble of its own: try again later")
    if error:
        raise GrantRefused(error, answer.text("error_description"))
    if answer.status != _OK:
        raise ProviderGarbage(f"the provider fails without a reason (HTTP status {answer.status})")


def _tokens(answer: Answer, url: str) -> Tokens:
    """RFC 6749, section 5.1."""
    kind = answer.text("token_type")
    if kind.lower() != "bearer":
        raise ProviderGarbage(f"{url} gives out tokens of another kind than Bearer: {quoted(kind)}")
    access_token = answer.text("access_token")
    refresh_token = answer.text("refresh_token") or None
    for token in filter(None, (access_token, refresh_token)):
        if not is_token(token):
            raise ProviderGarbage(f"{url} gives out a token that cannot be one")
    if not access_token:
        raise ProviderGarbage(f"{url} gives out no access token")
    return Tokens(access_token, answer.seconds("expires_in", 0.0, LONGEST_LIFE), refresh_token)


def is_token(text: str) -> bool:
    """Visible ASCII characters (RFC 6749, appendices A.12 and A.17), not too many."""
    return 0 < len(text) <= MAX_TOKEN and all("!" <= char <= "~" for char in text)
