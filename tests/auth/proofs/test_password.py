"""App passwords and human ones: which opens what, at which price."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.app_passwords import generate
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.throttle import Throttle
from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.model import Identity
from pillarbox.sasl.claims import DigestClaim
from tests.auth.conftest import CountingPasswords, price
from tests.auth.faketime import FakeTime
from tests.auth.proofs.conftest import PEER, Printed, known, opened, refused, says
from tests.auth.test_names import NASTY

PHONE = Identity("alice", "phone")


@pytest.mark.parametrize(
    "name",
    [
        "alice+phone",
        "Alice+PHONE",
        "alice+phone@example.org",
        "alice",
        "ALICE@Example.org",
        "\uff21lice+\uff30hone",
    ],
)
async def test_an_app_password_opens_its_devices_view_under_either_name(
    door: LocalAuthenticator, printed: Printed, name: str
) -> None:
    assert await opened(door, says(name, printed.phone)) == PHONE


@pytest.mark.parametrize(
    "typed",
    [
        lambda printed: printed.upper(),
        lambda printed: printed.replace("-", ""),
        lambda printed: printed.replace("-", " "),
        lambda printed: " " + printed.capitalize() + " ",
        lambda printed: printed.replace("-", "\u2013"),
    ],
)
async def test_however_it_is_typed(
    door: LocalAuthenticator, printed: Printed, typed: Callable[[str], str]
) -> None:
    assert await opened(door, says("alice", typed(printed.phone))) == PHONE


async def test_it_takes_no_hash_and_no_wait_the_first_time_too(
    door: LocalAuthenticator, printed: Printed, passwords: CountingPasswords
) -> None:
    assert await known(door, says("alice+phone", printed.phone)) == PHONE
    assert await known(door, says("alice", printed.laptop)) == Identity("alice", "laptop")
    assert passwords.work == []


async def test_it_passes_through_whatever_is_held_against_the_address(
    door: LocalAuthenticator, printed: Printed, time: FakeTime
) -> None:
    for number in range(20):
        await refused(door, says("alice", f"guess {number}"))
    time.take_slept()
    assert await known(door, says("alice+phone", printed.phone)) == PHONE
    assert time.slept == []


async def test_it_opens_when_no_look_was_allowed(
    door: LocalAuthenticator, printed: Printed, throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "may_look", lambda _: False)
    assert await opened(door, says("alice", printed.phone)) == PHONE


@pytest.mark.parametrize(
    ("name", "which", "reason"),
    [
        ("alice+laptop", "phone", "not the app password of such a device"),
        ("alice+tablet", "phone", "not the app password of such a device"),
        ("alice+default", "phone", "unknown user"),
        ("alice+", "phone", "unknown user"),
        ("alice+phone+phone", "phone", "unknown user"),
        ("alice@example.net", "phone", "unknown user"),
        ("carol", "phone", "only app passwords open this account"),
        ("carol+phone", "phone", "not the app password of such a device"),
        ("nobody", "phone", "unknown user"),
        ("nobody+phone", "phone", "unknown user"),
        ("bob", "bobs", "the account is disabled"),
        ("bob+phone", "bobs", "the account is disabled"),
        ("", "phone", "unknown user"),
    ],
)
async def test_it_opens_nothing_else_at_the_price_of_a_wrong_password(
    door: LocalAuthenticator,
    printed: Printed,
    passwords: CountingPasswords,
    name: str,
    which: str,
    reason: str,
) -> None:
    assert await refused(door, says(name, getattr(printed, which))) == reason
    assert passwords.work == [price(passwords.verifier(b""))]


@pytest.mark.parametrize("name", ["alice", "alice+phone", "nobody", "nobody+phone", "bob", "carol"])
async def test_a_wrong_app_password_costs_what_any_wrong_password_costs(
    door: LocalAuthenticator, passwords: CountingPasswords, name: str
) -> None:
    await refused(door, says(name, generate().printed))
    assert passwords.work == [price(passwords.verifier(b""))]


async def test_the_human_password_opens_nothing_under_a_devices_name(
    door: LocalAuthenticator, passwords: CountingPasswords
) -> None:
    """CVE-2025-30189: not even when it has been proved for the account."""
    assert await opened(door, says("alice", "secret")) == Identity("alice", "default")
    passwords.work.clear()
    for name in ("alice+phone", "alice+tablet"):
        await refused(door, says(name, "secret"))
    assert len(passwords.work) == 2
    assert await opened(door, says("alice", "secret")) == Identity("alice", "default")


async def test_a_human_password_may_look_like_an_app_password(
    door: LocalAuthenticator, accounts: Accounts
) -> None:
    chosen = generate().printed
    accounts.set_password("alice", chosen)
    assert await opened(door, says("alice", chosen)) == Identity("alice")
    await refused(door, says("alice", chosen.replace("-", "")))  # but is taken as it is


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.remove_device("alice", "phone"),
        lambda accounts: accounts.disable("alice"),
        lambda accounts: accounts.remove("alice"),
        lambda accounts: (
            accounts.remove_device("alice", "phone"),
            accounts.add_device("alice", "phone"),
        ),
    ],
)
async def test_a_change_counts_at_the_next_poll(
    door: LocalAuthenticator,
    accounts: Accounts,
    printed: Printed,
    change: Callable[[Accounts], object],
) -> None:
    await opened(door, says("alice+phone", printed.phone))
    change(accounts)
    await refused(door, says("alice+phone", printed.phone))
    await refused(door, says("alice", printed.phone))


async def test_what_leaves_the_devices_in_place(
    door: LocalAuthenticator, accounts: Accounts, printed: Printed
) -> None:
    accounts.set_password("alice", "other")
    accounts.disable("alice")
    accounts.enable("alice")
    assert await opened(door, says("alice", printed.phone)) == PHONE


async def test_devices_of_a_name_do_not_come_back_with_it(
    door: LocalAuthenticator, accounts: Accounts, printed: Printed
) -> None:
    accounts.remove("alice")
    accounts.add("alice", "secret")
    await refused(door, says("alice", printed.phone))


# App passwords only


async def test_with_app_passwords_only_nothing_that_comes_of_the_human_password_opens(
    door: LocalAuthenticator, passwords: CountingPasswords, printed: Printed
) -> None:
    assert await refused(door, says("carol", "secret")) == "only app passwords open this account"
    assert passwords.work == [price(passwords.verifier(b""))]
    assert await opened(door, says("carol", printed.carols)) == Identity("carol", "phone")


async def test_it_counts_for_passwords_that_are_known(
    door: LocalAuthenticator, accounts: Accounts, passwords: CountingPasswords
) -> None:
    await opened(door, says("alice", "secret"))
    passwords.work.clear()
    accounts.require_app_passwords("Alice")
    await refused(door, says("alice", "secret"))
    assert len(passwords.work) == 1
    accounts.require_app_passwords("alice", required=False)
    accounts.require_app_passwords("alice", required=False)
    assert await opened(door, says("alice", "secret")) == Identity("alice")


async def test_it_counts_when_it_comes_during_the_hash(
    door: LocalAuthenticator, accounts: Accounts, passwords: CountingPasswords
) -> None:

    passwords.hold()
    attempt = asyncio.create_task(door.check(says("alice", "secret"), PEER))
    await passwords.held()
    accounts.require_app_passwords("alice")
    passwords.gate.set()
    with pytest.raises(Exception, match="changed during"):
        await attempt


# CRAM-MD5 (APOP: tests/auth/test_authenticator.py)


async def test_the_example_of_rfc_2195(door: LocalAuthenticator, accounts: Accounts) -> None:
    accounts.add("tim", "tanstaaftanstaaf", apop=True)
    challenge = "<1896.697170952@postoffice.reston.mci.net>"
    digest = "b913a602c7eda7a495b4e6e7334d3890"
    claim = DigestClaim("CRAM-MD5", "tim", challenge, digest)
    assert await known(door, claim) == Identity("tim")
    assert await opened(door, claim._replace(digest=digest.upper())) == Identity("tim")
    for wrong in (
        claim._replace(digest="b" * 32),
        claim._replace(challenge="<other@example.org>"),
        claim._replace(name="alice"),
        claim._replace(name="tim+phone"),
        claim._replace(mechanism="APOP"),
    ):
        await refused(door, wrong)
    accounts.require_app_passwords("tim")
    await refused(door, claim)


# What can go wrong


@pytest.mark.parametrize("name", NASTY, ids=ascii)
async def test_cve_2026_24031_nasty_devices_are_refused_and_hurt_nobody(
    door: LocalAuthenticator, accounts: Accounts, printed: Printed, name: str
) -> None:
    before = accounts.devices("alice")
    await refused(door, says(f"alice+{name}", printed.phone))
    await refused(door, says(f"{name}+phone", printed.phone))
    assert accounts.devices("alice") == before
    assert await opened(door, says("alice", printed.phone)) == PHONE


async def test_a_file_that_cannot_be_read_is_no_refusal(
    door: LocalAuthenticator, printed: Printed, path: Path, throttle: Throttle
) -> None:
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE device")
    connection.close()
    with pytest.raises(AuthUnavailable, match=r"accounts\.db cannot be read"):
        await opened(door, says("alice", printed.phone))
    assert throttle.addresses.is_calm(PEER)


async def test_no_reason_or_log_line_shows_an_app_password(
    door: LocalAuthenticator, printed: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = await refused(door, says("alice+laptop", printed.phone))
    reason += await refused(door, says(printed.phone, printed.phone))
    shown = capsys.readouterr()
    assert printed.phone not in reason + shown.out + shown.err
    assert printed.phone not in repr(says("alice", printed.phone))
