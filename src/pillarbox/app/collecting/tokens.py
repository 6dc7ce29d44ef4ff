"""OAuth 2 for an account: from its settings to what gives out access tokens.

Its sign-in is kept under the account's name, by ``pillarbox fetch login``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pillarbox.app.collecting.password_command import password_from
from pillarbox.fetch.oauth.settings import OAuth2
from pillarbox.fetch.oauth.source import TokenSource
from pillarbox.fetch.oauth.store import TokenStore


async def oauth2_settings(table: dict[str, Any], whose: str) -> OAuth2:
    """The settings of the account *whose*, with the client's secret, if it has one.

    Raises:
        PasswordCommandFailed: its command gave none.
    """
    fields = {"client_id": "", **table}
    command = fields.pop("client_secret_command", None)
    if command is not None:
        fields["client_secret"] = await password_from(command, whose)
    return OAuth2(**fields)


class AccessTokens:
    """Gives out the access tokens of one account; made when the first one is needed."""

    def __init__(self, table: dict[str, Any], whose: str, state: Path) -> None:
        self._table = table
        self._whose = whose
        self._state = state
        self._source: TokenSource | None = None

    async def __call__(self) -> str:
        """A token that can be used now.

        Raises:
            PillarboxError: there is none to be had.
        """
        if self._source is None:
            settings = await oauth2_settings(self._table, self._whose)
            self._source = TokenSource(settings, TokenStore(self._whose, self._state))
        return await self._source.access_token()

    def discard(self) -> None:
        """The mail server did not take the last one."""
        if self._source is not None:
            self._source.discard()
