"""An authorization server, settings that name it, and a place for refresh tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from pillarbox.fetch.oauth.settings import OAuth2
from pillarbox.fetch.oauth.store import TokenStore
from tests.fetch.oauth.authority import Authority, running


@pytest.fixture
def authority() -> Iterator[Authority]:
    with running() as started:
        yield started


@pytest.fixture(autouse=True)
def no_keyring() -> None:
    """As on a machine without a desktop, wherever the tests run."""
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]


def settings_for(authority: Authority, *, browser: bool = False) -> OAuth2:
    return OAuth2(
        "ours",
        authority.client_id,
        device_url=None if browser else f"{authority.url}/device",
        authorize_url=f"{authority.url}/authorize",
        token_url=f"{authority.url}/token",
        scopes=authority.scope,
    )


@pytest.fixture
def settings(authority: Authority) -> OAuth2:
    return settings_for(authority)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore("work", tmp_path)
