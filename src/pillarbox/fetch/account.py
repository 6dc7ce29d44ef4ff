"""One account to collect: where the mail is, where it goes, and by which rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.client.endpoint import Endpoint
from pillarbox.client.limits import TIMEOUT
from pillarbox.client.signing_in import Secret
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.destinations import Target
from pillarbox.fetch.rules import Rules


class Account(NamedTuple):
    """Everything that a run needs to know. Its repr shows no secret."""

    name: str
    """What the user calls it; in every message to the user."""
    endpoint: Endpoint
    target: Target
    rules: Rules = Rules()
    recipient: str | None = None
    """For destinations that ask for whom: LMTP. None: the account's user."""
    password: Secret | None = None
    token: Secret | None = None
    """An OAuth 2 access token, or what gets one."""
    discard_token: Callable[[], None] | None = None
    """Called when the server refuses the token; then *token* is asked once more."""
    mechanism: str | None = None
    """The one way to sign in; None: the strongest that both sides have."""
    tls: TlsSettings = TlsSettings()
    proxy: str | None = None
    timeout: float = TIMEOUT
    """Seconds of silence."""
    confirmed: bool = False
    """The user has said yes to deleting what rules before would have kept (``--yes``)."""

    def __repr__(self) -> str:
        return f"<Account {self.name}: {self.endpoint} to {self.target}>"
