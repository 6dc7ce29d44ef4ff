"""Users of other sources: found, believed for a while, and let in like everybody."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.address_throttle import LONGEST_DELAY_SECONDS, LOOKS
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.directory import LocalDirectory
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.proofs.means import SOURCE_PROOF_SECONDS
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.throttle import Throttle
from pillarbox.auth.users import BELIEVED_SECONDS, Users
from pillarbox.contracts.errors import AuthUnavailable, TooManyAttempts
from pillarbox.model import Identity
from pillarbox.sasl.claims import CertificateClaim, DigestClaim, ScramClaim
from tests.auth.conftest import CountingPasswords, price
from tests.auth.faketime import FakeTime
from tests.auth.places import in_a_file, promptly
from tests.auth.proofs.conftest import DOMAINS, PEER, known, opened, refused, says

SCRAM = (
    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="  # of "pencil"
)


class Shelf:
    """A source that a test fills, and whose questions it counts."""

    def __init__(self, name: str = "shelf") -> None:
        self.name = name
        self.accounts: dict[str, SourceAccount] = {}
        self.passwords: dict[str, str] = {}
        self.asked: list[str] = []
        self.proofs: list[str] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()

    def put(self, name: str, *hashes: str, password: str = "") -> None:
        self.accounts[name] = SourceAccount(name, hashes)
        self.passwords[name] = password

    async def find(self, user: str) -> SourceAccount | None:
        self.asked.append(user)
        await self.open.wait()
        if self.away:
            raise AccountsUnavailable(f"{self.name} is away")
        return self.accounts.get(user)

    async def proves(self, account: SourceAccount, password: str) -> bool:
        self.proofs.append(account.name)
        if self.away:
            raise AccountsUnavailable(f"{self.name} is away")
        return bool(password) and self.passwords[account.name] == password

    async def close(self) -> None:
        pass


@pytest.fixture
async def shelf() -> Shelf:
    shelf = Shelf()
    shelf.put("sue", "{PLAIN}secret")
    shelf.put("tom", password="secret")
    return shelf


@pytest.fixture
def door(
    accounts: Accounts, time: FakeTime, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalAuthenticator]:
    accounts.add("alice", "secret")
    throttle = Throttle(clock=time.clock, sleep=time.sleep)
    door = LocalAuthenticator(accounts, domains=DOMAINS, sources=[shelf], throttle=throttle)
    monkeypatch.setattr(door._users, "_clock", time.clock)
    monkeypatch.setattr(door._means.source_cache, "clock", time.clock)
    yield door
    door.close()


# Signing in


@pytest.mark.parametrize("name", ["sue", "SUE@example.org", "tom"])
async def test_a_user_of_a_source_signs_in(door: LocalAuthenticator, name: str) -> None:
    user = name.lower().partition("@")[0]
    assert await opened(door, says(name, "secret")) == Identity(user)


@pytest.mark.parametrize("name", ["sue", "tom", "nobody", "alice"])
async def test_a_wrong_password_costs_one_hash_of_ours_whoever_it_is(
    door: LocalAuthenticator, passwords: CountingPasswords, name: str
) -> None:
    await refused(door, says(name, "wrong"))
    assert passwords.work == [price(passwords.verifier(b""))]


@pytest.mark.parametrize("name", ["sue", "tom", "nobody", "alice"])
async def test_who_is_refused_has_asked_the_sources_whoever_it_is(
    door: LocalAuthenticator, shelf: Shelf, name: str
) -> None:
    """Else time would tell who is in the accounts file."""
    await refused(door, says(name, "wrong"))
    assert shelf.asked == [name]


async def test_who_is_in_the_file_waits_for_no_source(
    door: LocalAuthenticator, shelf: Shelf
) -> None:
    shelf.away = True
    assert await opened(door, says("alice", "secret")) == Identity("alice")
    assert shelf.asked == []
    await refused(door, says("alice", "wrong"))


async def test_the_file_comes_first(door: LocalAuthenticator, shelf: Shelf) -> None:
    shelf.put("alice", "{PLAIN}other")
    await refused(door, says("alice", "other"))


@pytest.mark.parametrize("name", ["sue", "tom"])
async def test_a_poll_costs_no_hash_no_question_and_does_not_suspend(
    door: LocalAuthenticator, shelf: Shelf, passwords: CountingPasswords, name: str
) -> None:
    await opened(door, says(name, "secret"))
    before = (list(shelf.asked), list(shelf.proofs))
    assert await known(door, says(name, "secret")) == Identity(name)
    assert (shelf.asked, shelf.proofs) == before
    assert passwords.work == []


async def test_any_of_several_hashes_will_do(door: LocalAuthenticator, shelf: Shelf) -> None:
    shelf.put("sue", "{NOSUCH}x", "{PLAIN}one", "{PLAIN}two")
    for password in ("one", "two"):
        assert await opened(door, says("sue", password)) == Identity("sue")
    with pytest.raises(AuthUnavailable, match="NOSUCH"):
        await opened(door, says("sue", "three"))


async def test_a_disabled_user_is_refused(door: LocalAuthenticator, shelf: Shelf) -> None:
    shelf.accounts["sue"] = replace(shelf.accounts["sue"], disabled=True)
    assert await refused(door, says("sue", "secret")) == "the account is disabled"


# What is believed, and for how long


@pytest.mark.parametrize(
    "change",
    [
        lambda shelf: shelf.put("sue", "{PLAIN}other"),
        lambda shelf: shelf.put("sue", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{PLAIN}other"),
        lambda shelf: shelf.accounts.pop("sue"),
        lambda shelf: shelf.accounts.update(sue=replace(shelf.accounts["sue"], disabled=True)),
    ],
)
async def test_a_change_counts_after_half_a_minute(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime, change: Callable[[Shelf], object]
) -> None:
    await opened(door, says("sue", "secret"))
    change(shelf)
    time.now += BELIEVED_SECONDS
    if shelf.accounts.get("sue", SourceAccount("")).hashes[:1] == (
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    ):
        assert await opened(door, says("sue", "secret")) == Identity("sue")  # proved anew
        return
    await refused(door, says("sue", "secret"))


async def test_cve_2025_30189_a_proof_is_of_the_hashes_and_the_stamp(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime
) -> None:
    await opened(door, says("tom", "secret"))
    assert shelf.proofs == ["tom"]
    shelf.accounts["tom"] = replace(shelf.accounts["tom"], stamp="changed")
    time.now += BELIEVED_SECONDS
    await opened(door, says("tom", "secret"))
    assert shelf.proofs == ["tom", "tom"]


async def test_cve_2025_30189_a_proof_opens_no_other_user_and_no_device(
    door: LocalAuthenticator, shelf: Shelf, accounts: Accounts
) -> None:
    shelf.put("tim", password="other")
    accounts.add_device("tom", "phone")
    await opened(door, says("tom", "secret"))
    for name in ("tim", "tom+phone"):
        await refused(door, says(name, "secret"))


async def test_what_only_the_source_can_prove_is_proved_again_soon(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime
) -> None:
    await opened(door, says("tom", "secret"))
    shelf.passwords["tom"] = "other"
    time.now += SOURCE_PROOF_SECONDS
    await refused(door, says("tom", "secret"))


async def test_an_unknown_name_is_asked_for_once_in_half_a_minute(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime
) -> None:
    for _ in range(2):
        await refused(door, says("nobody", "x"))
    assert shelf.asked == ["nobody"]
    time.now += BELIEVED_SECONDS
    shelf.put("nobody", "{PLAIN}x")
    assert await opened(door, says("nobody", "x")) == Identity("nobody")


async def test_a_name_that_can_be_nobodys_is_not_asked_for(
    door: LocalAuthenticator, shelf: Shelf
) -> None:
    for name in ("a/b", "*", "sue@example.net", "\udcff", ""):
        await refused(door, says(name, "x"))
    assert shelf.asked == []


@in_a_file
async def test_a_thousand_who_ask_together_are_one_question(
    accounts: Accounts, shelf: Shelf
) -> None:
    users = Users(accounts, [shelf])
    shelf.open.clear()
    many = [asyncio.create_task(users.find("sue")) for _ in range(1000)]
    await asyncio.sleep(0)
    many[0].cancel()  # one who hangs up takes nothing from the others
    shelf.open.set()
    found = await asyncio.gather(*many, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {user.name for user in found[1:] if not isinstance(user, BaseException | None)} == {
        "sue"
    }
    assert shelf.asked == ["sue"]


async def test_what_is_believed_is_bounded(
    accounts: Accounts, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillarbox.auth.users.MAX_BELIEVED", 3)
    users = Users(accounts, [shelf])
    for number in range(10):
        assert await users.find(f"user{number}") is None
    assert len(users._said) == 3


# Sources that are away


async def test_a_source_that_is_away_is_no_refusal(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime
) -> None:
    shelf.away = True
    for name in ("sue", "nobody"):
        with pytest.raises(AuthUnavailable, match="shelf is away"):
            await opened(door, says(name, "secret"))
    assert time.slept == []
    shelf.away = False
    assert await opened(door, says("sue", "secret")) == Identity("sue")


async def test_a_source_that_goes_away_before_the_proof_is_no_refusal(
    door: LocalAuthenticator, shelf: Shelf
) -> None:
    await refused(door, says("tom", "wrong"))
    shelf.away = True
    with pytest.raises(AuthUnavailable, match="shelf is away"):
        await opened(door, says("tom", "secret"))


async def test_a_source_is_never_passed_over(accounts: Accounts, shelf: Shelf) -> None:
    """The first that knows a user is the one that counts: it might."""
    first = Shelf("first")
    users = Users(accounts, [first, shelf])
    first.away = True
    with pytest.raises(AccountsUnavailable, match="first is away"):
        await users.find("sue")
    first.away = False
    shelf.away = True
    first.put("sue", "{PLAIN}other")
    found = await users.find("sue")
    assert found is not None
    assert not isinstance(found, type(accounts.find("alice")))
    with pytest.raises(AccountsUnavailable, match="shelf is away"):
        await users.find("tom")


async def test_an_answer_for_somebody_else_is_none(accounts: Accounts, shelf: Shelf) -> None:
    shelf.accounts["bob"] = SourceAccount("sue", ("{PLAIN}secret",))
    with pytest.raises(AccountsUnavailable, match="shelf answers for another user"):
        await Users(accounts, [shelf]).find("bob")


async def test_with_sources_an_empty_file_is_no_lost_one(
    accounts: Accounts, door: LocalAuthenticator
) -> None:
    accounts.remove("alice")
    assert await refused(door, says("nobody", "x")) == "unknown user"


# Devices, rules and the other proofs


async def test_users_of_sources_have_devices(
    door: LocalAuthenticator, shelf: Shelf, accounts: Accounts
) -> None:
    printed = accounts.add_device("sue", "phone").printed
    for name in ("sue", "sue+phone@example.org"):
        assert await opened(door, says(name, printed)) == Identity("sue", "phone")
    assert await known(door, says("sue", printed)) == Identity("sue", "phone")
    keys = await door.scram_keys("sue+phone", "sha256", PEER)
    claim = ScramClaim("sue+phone", "sha256", keys, True)
    assert await opened(door, claim) == Identity("sue", "phone")


async def test_a_device_of_a_user_whom_the_source_has_removed_is_out(
    door: LocalAuthenticator, shelf: Shelf, accounts: Accounts, time: FakeTime
) -> None:
    printed = accounts.add_device("sue", "phone").printed
    await opened(door, says("sue", printed))
    del shelf.accounts["sue"]
    time.now += BELIEVED_SECONDS
    await refused(door, says("sue", printed))


@pytest.mark.parametrize("name", ["sue", "tom"])
async def test_app_passwords_only_holds_for_users_of_sources(
    door: LocalAuthenticator, accounts: Accounts, shelf: Shelf, name: str
) -> None:
    await opened(door, says(name, "secret"))
    accounts.require_app_passwords(name)
    shelf.proofs.clear()
    assert await refused(door, says(name, "secret")) == "only app passwords open this account"
    assert shelf.proofs == []


async def test_a_certificate_opens_a_user_of_a_source(door: LocalAuthenticator) -> None:
    assert await opened(door, CertificateClaim("", ("sue",))) == Identity("sue")


async def test_scram_for_users_of_sources_who_have_keys(
    door: LocalAuthenticator, shelf: Shelf
) -> None:
    shelf.put("sue", "{SSHA}AAAA", SCRAM)
    keys = await door.scram_keys("sue", "sha256", PEER)
    assert keys.salt.hex() == "5b6d99689d12358eeca04b141236fa81"
    assert await opened(door, ScramClaim("sue", "sha256", keys, True)) == Identity("sue")
    for name, hash_name in (("tom", "sha256"), ("sue", "sha1"), ("nobody", "sha256")):
        made_up = await door.scram_keys(name, hash_name, PEER)
        assert made_up.iterations == DEVICE_ITERATIONS
        await refused(door, ScramClaim(name, hash_name, made_up, True))


async def begins(door: LocalAuthenticator, name: str, peer: str = PEER) -> bool:
    try:
        await door.scram_keys(name, "sha256", peer)
    except TooManyAttempts:
        return False
    return True


async def test_beginnings_of_scram_do_not_flood_a_source(
    door: LocalAuthenticator, shelf: Shelf, time: FakeTime
) -> None:
    """Who gives up behind the first step has failed at nothing: a question to the directory each,
    as many as a client could send.
    """
    begun = [await begins(door, f"name{number}") for number in range(3 * LOOKS)]
    assert begun == [True] * LOOKS + [False] * 2 * LOOKS
    assert len(shelf.asked) == LOOKS
    for name in ("alice", "sue", "nobody"):  # it tells nobody who is known
        assert not await begins(door, name)
    assert await begins(door, "sue", "198.51.100.9")
    time.now += LONGEST_DELAY_SECONDS
    assert await begins(door, "sue")


async def test_sign_ins_by_scram_do_not_use_the_ration_up(
    door: LocalAuthenticator, shelf: Shelf
) -> None:
    shelf.put("sue", SCRAM)
    for _ in range(2 * LOOKS):
        keys = await door.scram_keys("sue", "sha256", PEER)
        assert await opened(door, ScramClaim("sue", "sha256", keys, True)) == Identity("sue")


async def test_no_source_keeps_a_password_readable(door: LocalAuthenticator) -> None:
    await refused(door, DigestClaim("APOP", "sue", "<1@x>", "0" * 32))


# Mail


async def test_mail_finds_users_of_sources(accounts: Accounts, shelf: Shelf) -> None:
    accounts.add("alice", "secret")
    shelf.accounts["sue"] = SourceAccount("sue", quota_octets=5000, disabled=True)
    directory = LocalDirectory(accounts, domains=DOMAINS, sources=[shelf])
    found = await directory.find("Sue+phone@example.org")
    assert found is not None
    assert (found.user, found.quota_octets) == ("sue", 5000)
    assert await promptly(accounts, directory.find("alice@example.org"))
    assert found == await directory.find("sue@example.org")


async def test_mail_for_a_user_who_was_made_a_moment_ago_is_not_turned_away(
    accounts: Accounts, shelf: Shelf
) -> None:
    directory = LocalDirectory(accounts, domains=DOMAINS, sources=[shelf])
    assert await directory.find("uwe@example.org") is None
    shelf.put("uwe")
    assert await directory.find("uwe@example.org") is not None


async def test_another_person_of_that_name_has_another_generation(
    accounts: Accounts, shelf: Shelf, time: FakeTime
) -> None:
    directory = LocalDirectory(accounts, domains=DOMAINS, sources=[shelf])
    directory._users._clock = time.clock
    before = await directory.find("sue@example.org")
    shelf.accounts["sue"] = replace(shelf.accounts["sue"], stamp="another uuid")
    time.now += BELIEVED_SECONDS
    assert await directory.find("sue@example.org") != before


async def test_mail_waits_while_a_source_is_away(accounts: Accounts, shelf: Shelf) -> None:
    shelf.away = True
    directory = LocalDirectory(accounts, domains=DOMAINS, sources=[shelf])
    with pytest.raises(AuthUnavailable, match="shelf is away"):
        await directory.find("sue@example.org")
