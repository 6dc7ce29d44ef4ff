"""An account's OAuth 2 settings, and the providers that are known by name.

A known provider needs nothing but a ``client_id``; each of its rows can be overridden (a
company may have endpoints of its own). Any other is described by its endpoints.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pillarbox.fetch.oauth.errors import InvalidOAuthSettings
from pillarbox.safe_url import UnsafeUrl, check_safe


class OAuth2(NamedTuple):
    """As configured; None where the provider's own value is meant."""

    provider: str
    """``microsoft``, ``google``, or any other name if the endpoints are given."""
    client_id: str
    """Who this program is, as registered with the provider by the user."""
    client_secret: str | None = None
    """Some providers give one to programs on users' machines, too, where it is no secret."""
    authorize_url: str | None = None
    device_url: str | None = None
    token_url: str | None = None
    scopes: str | None = None
    """Separated by spaces (RFC 6749, section 3.3)."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OAuth2({self.provider!r}, {self.client_id!r})"


class Flow(StrEnum):
    """How a person signs in."""

    DEVICE = "device"
    """By a code, typed in on any device."""
    BROWSER = "browser"
    """In a browser on this machine."""


class Provider(NamedTuple):
    """What has to be known of a provider."""

    flow: Flow
    token_url: str
    scopes: str
    device_url: str = ""
    authorize_url: str = ""
    authorize_extra: tuple[tuple[str, str], ...] = ()
    """Parameters beyond the standard's."""


_MICROSOFT = "https://login.microsoftonline.com/common/oauth2/v2.0"

PROVIDERS = {
    "microsoft": Provider(
        Flow.DEVICE,
        token_url=f"{_MICROSOFT}/token",
        device_url=f"{_MICROSOFT}/devicecode",
        authorize_url=f"{_MICROSOFT}/authorize",
        # Without offline_access there is no refresh token.
        # Refreshing names no scopes: who signed in before there was SMTP.Send goes on with POP alone.
        scopes="https://outlook.office.com/POP.AccessAsUser.All "
        "https://outlook.office.com/SMTP.Send offline_access",
    ),
    "google": Provider(
        Flow.BROWSER,  # its device flow does not give out the scope of mail
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 -- an address
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        scopes="https://mail.google.com/",
        # Otherwise there is a refresh token at the first consent only, or never.
        authorize_extra=(("access_type", "offline"), ("prompt", "consent")),
    ),
}


def provider_of(settings: OAuth2) -> Provider:
    """The provider that *settings* describe, complete.

    Raises:
        InvalidOAuthSettings: something is missing, or an endpoint is not safe.
    """
    if not settings.client_id:
        raise InvalidOAuthSettings(
            "oauth2 needs a client_id: register a program of your own with the provider, "
            "and put the id that it gets here"
        )
    known = PROVIDERS.get(settings.provider.lower())
    provider = _other(settings) if known is None else _overridden(known, settings)
    for url in (provider.token_url, provider.device_url, provider.authorize_url):
        if url:
            refuse_unsafe(url)
    return provider


def _overridden(known: Provider, settings: OAuth2) -> Provider:
    """An authorize_url alone asks for a browser; a device_url asks for a code."""
    if settings.device_url:
        flow = Flow.DEVICE
    else:
        flow = Flow.BROWSER if settings.authorize_url else known.flow
    return known._replace(
        flow=flow,
        token_url=settings.token_url or known.token_url,
        device_url=settings.device_url or known.device_url,
        authorize_url=settings.authorize_url or known.authorize_url,
        scopes=settings.scopes or known.scopes,
    )


def _other(settings: OAuth2) -> Provider:
    missing = [
        name
        for name, value in (
            ("token_url", settings.token_url),
            ("device_url or authorize_url", settings.device_url or settings.authorize_url),
            ("scopes", settings.scopes),
        )
        if not value
    ]
    if missing:
        names = ", ".join(sorted(PROVIDERS))
        raise InvalidOAuthSettings(
            f'the OAuth 2 provider "{settings.provider}" is not known here (known: {names}); '
            f"to use it, give {' and '.join(missing)} as well"
        )
    return Provider(
        Flow.DEVICE if settings.device_url else Flow.BROWSER,
        token_url=settings.token_url or "",
        device_url=settings.device_url or "",
        authorize_url=settings.authorize_url or "",
        scopes=settings.scopes or "",
    )


def refuse_unsafe(url: str) -> None:
    """See to it that what is sent to *url* nobody else reads: https, or this machine.

    Raises:
        InvalidOAuthSettings: it is another URL, or none.
    """
    try:
        check_safe(url, "tokens")
    except UnsafeUrl as unsafe:
        raise InvalidOAuthSettings(str(unsafe)) from None
