"""Tokens of an identity provider that shares no code with us, nor with authlib."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.auth.oauth.checker import ANSWER_SECONDS
from pillarbox.auth.oauth.settings import OAuthSettings
from pillarbox.contracts.errors import CredentialsRefused
from tests.auth.oauth.conftest import Clocks, MakeChecker
from tests.auth.oauth.glewlwyd import CLIENT, SCOPE, SECRET, Glewlwyd, glewlwyd, installed

pytestmark = pytest.mark.skipif(not installed(), reason="glewlwyd is not installed")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Glewlwyd]:
    with glewlwyd(tmp_path_factory.mktemp("glewlwyd")) as running:
        yield running


async def test_a_signed_token_by_keys_that_are_discovered(
    provider: Glewlwyd, make_checker: MakeChecker
) -> None:
    settings = OAuthSettings(issuer=provider.issuer, audience=(SCOPE,), scopes=(SCOPE,))
    assert await make_checker(settings).user_of(provider.token()) == "alice@example.org"
    elsewhere = OAuthSettings(issuer=provider.issuer, audience=("else",))
    with pytest.raises(CredentialsRefused, match="another audience"):
        await make_checker(elsewhere).user_of(provider.token())


async def test_introspection_as_a_client(provider: Glewlwyd, make_checker: MakeChecker) -> None:
    settings = OAuthSettings(
        introspection=f"{provider.issuer}/introspect",
        client_id=CLIENT,
        client_secret=SECRET,
        audience=(SCOPE,),
    )
    assert await make_checker(settings).user_of(provider.token()) == "alice"


async def test_introspection_with_a_bearer_token_and_a_token_that_is_taken_back(
    provider: Glewlwyd, make_checker: MakeChecker, clocks: Clocks
) -> None:
    settings = OAuthSettings(
        introspection=f"{provider.issuer}/introspect",
        client_secret=provider.asking_token(),
        scopes=(SCOPE,),
    )
    checker, token = make_checker(settings), provider.token()
    assert await checker.user_of(token) == "alice"
    provider.revoke(token)
    clocks.move(ANSWER_SECONDS)
    with pytest.raises(CredentialsRefused, match="not active"):
        await checker.user_of(token)


async def test_a_token_that_was_changed(provider: Glewlwyd, make_checker: MakeChecker) -> None:
    token = provider.token()
    head, payload, signature = token.split(".")
    checker = make_checker(OAuthSettings(issuer=provider.issuer, audience=(SCOPE,)))
    with pytest.raises(CredentialsRefused, match="not signed"):
        await checker.user_of(f"{head}.{payload}.{signature[::-1]}")
    assert await checker.user_of(token)


def test_it_is_run_in_a_folder_of_its_own(tmp_path: Path) -> None:
    with glewlwyd(tmp_path) as other:
        assert other.token()
    assert {path.name for path in tmp_path.iterdir()} == {"glewlwyd.db", "glewlwyd.conf"}
