"""OAuth 2 tokens: whose they are is the checker's word; what they open is ours."""

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused
from pillarbox.model import Identity
from pillarbox.sasl.claims import TokenClaim
from tests.auth.conftest import CountingPasswords
from tests.auth.faketime import FakeTime
from tests.auth.proofs.conftest import DOMAINS, PEER, Printed, opened, refused


class Issuer:
    """Tokens are ``of:USER``; everything else is refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False

    async def user_of(self, token: str) -> str:
        self.asked.append(token)
        if self.away:
            raise AuthUnavailable("the issuer is away")
        if not token.startswith("of:"):
            raise CredentialsRefused("the token has expired")
        return token.removeprefix("of:")


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def door(
    accounts: Accounts, printed: Printed, throttle: Throttle, issuer: Issuer
) -> LocalAuthenticator:
    return LocalAuthenticator(accounts, domains=DOMAINS, throttle=throttle, token_checker=issuer)


@pytest.mark.parametrize(
    ("name", "user", "view"),
    [
        ("", "alice", "default"),
        ("alice", "alice", "default"),
        ("alice@example.org", "ALICE", "default"),
        ("alice", "alice@example.org", "default"),
        ("alice+phone", "alice", "phone"),
        ("alice+phone@example.org", "alice@example.org", "phone"),
    ],
)
async def test_a_token_opens_its_users_account_or_a_device(
    door: LocalAuthenticator, passwords: CountingPasswords, name: str, user: str, view: str
) -> None:
    assert await opened(door, TokenClaim(name, f"of:{user}")) == Identity("alice", view)
    assert passwords.work == []


@pytest.mark.parametrize(
    ("name", "token", "reason"),
    [
        ("alice", "expired", "the token has expired"),
        ("bob", "of:alice", "the token is another user's"),
        ("carol+phone", "of:alice", "the token is another user's"),
        ("nobody", "of:alice", "the token is another user's"),
        ("a/b", "of:alice", "the token is another user's"),
        ("alice@example.net", "of:alice", "the token is another user's"),
        ("alice+tablet", "of:alice", "no such device"),
        ("", "of:nobody", "unknown user"),
        ("", "of:bob", "the account is disabled"),
        ("", "of:alice@example.net", "the token's user can be nobody here"),
        ("", "of:", "the token's user can be nobody here"),
        ("", "of:alice+phone", "the token's user can be nobody here"),
        ("", "of:../alice", "the token's user can be nobody here"),
        ("", "", "the token has expired"),
    ],
)
async def test_everything_else_is_refused(
    door: LocalAuthenticator, name: str, token: str, reason: str
) -> None:
    assert await refused(door, TokenClaim(name, token)) == reason


async def test_tokens_open_accounts_that_take_app_passwords_only(door: LocalAuthenticator) -> None:
    assert await opened(door, TokenClaim("", "of:carol")) == Identity("carol")


async def test_the_issuer_is_asked_once_for_each_claim(
    door: LocalAuthenticator, issuer: Issuer
) -> None:
    await refused(door, TokenClaim("alice", "expired"))
    await refused(door, TokenClaim("nobody", "of:nobody"))
    await opened(door, TokenClaim("alice", "of:alice"))
    assert issuer.asked == ["expired", "of:nobody", "of:alice"]


async def test_a_bad_token_is_a_failure_and_a_good_one_passes_at_once(
    door: LocalAuthenticator, time: FakeTime
) -> None:
    for number in range(12):
        await refused(door, TokenClaim("alice", f"bad {number}"))
    assert time.take_slept()[:3] == [0.5, 1, 2]
    assert await opened(door, TokenClaim("alice", "of:alice")) == Identity("alice")
    assert time.slept == []


async def test_an_issuer_that_is_away_is_no_refusal(
    door: LocalAuthenticator, issuer: Issuer, throttle: Throttle
) -> None:
    issuer.away = True
    with pytest.raises(AuthUnavailable, match="the issuer is away"):
        await opened(door, TokenClaim("alice", "of:alice"))
    assert throttle.addresses.is_calm(PEER)


async def test_without_a_checker_no_token_is_taken(accounts: Accounts, printed: Printed) -> None:
    door = LocalAuthenticator(accounts)
    assert await refused(door, TokenClaim("alice", "of:alice")) == "no tokens are taken here"


async def test_a_removed_account_or_device_is_out_at_the_next_poll(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    await opened(door, TokenClaim("alice+phone", "of:alice"))
    accounts.remove_device("alice", "phone")
    await refused(door, TokenClaim("alice+phone", "of:alice"))
    accounts.remove("alice")
    await refused(door, TokenClaim("", "of:alice"))


async def test_no_reason_shows_the_token(door: LocalAuthenticator) -> None:
    assert "hunter2" not in await refused(door, TokenClaim("alice", "hunter2"))
    assert "hunter2" not in repr(TokenClaim("alice", "hunter2"))
