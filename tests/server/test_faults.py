"""What a client hears, and an operator reads, when store or accounts fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pillarbox.contracts.errors import (
    AuthUnavailable,
    LockLost,
    NoSuchView,
    StoreError,
    StoreUnavailable,
    TooManyAttempts,
)
from pillarbox.model import Column, Identity
from pillarbox.server.limits import MAX_SIGN_IN_FAILURES
from pillarbox.server.listener import Pop3Server
from tests.server.conftest import Logs
from tests.server.test_limits import CountingMeter
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyMaildrop, FaultyStore

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"
DETAIL = "/var/lib/pillarbox/shard-3: disk I/O error"

FAILING = [
    ("messages", b"LIST 1\r\n"),
    ("messages", b"LIST\r\n"),
    ("messages", b"UIDL\r\n"),
    ("messages", b"UIDL 2\r\n"),
    ("body", b"RETR 1\r\n"),
    ("body", b"TOP 1 0\r\n"),
]


@pytest.mark.parametrize(("temporary", "code"), [(True, b"[SYS/TEMP]"), (False, b"[SYS/PERM]")])
@pytest.mark.parametrize(("call", "command"), FAILING)
async def test_a_failing_store_and_a_session_that_survives_it(
    server: Pop3Server,
    store: FaultyStore,
    logs: Logs,
    call: str,
    command: bytes,
    temporary: bool,
    code: bytes,
) -> None:
    """RFC 3206, section 4."""
    await store.put("mrose", ONE, TWO)
    client = await Client(server).sign_in()
    store.faults.errors[call] = StoreUnavailable(DETAIL, temporary=temporary)
    reply = await client.say(command)
    assert reply.startswith(b"-ERR " + code)
    assert reply.count(b"\r\n") == 1
    assert DETAIL.encode() not in reply, "file names are for the log"
    assert any(DETAIL in str(line) for line in logs)
    store.faults.errors.clear()
    assert (await client.say(command)).startswith(b"+OK")
    assert (await client.say(b"QUIT\r\n")).startswith(b"+OK")
    assert (await store.memory.status("mrose")).count == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable(DETAIL, temporary=True), b"[SYS/TEMP]"),
        (StoreUnavailable(DETAIL, temporary=False), b"[SYS/PERM]"),
        (NoSuchView(DETAIL), b"[SYS/PERM]"),
    ],
)
async def test_a_maildrop_that_cannot_be_opened(
    server: Pop3Server, store: FaultyStore, error: StoreError, code: bytes
) -> None:
    client = await Client(server).connect()
    store.faults.errors["open"] = error
    reply = await client.say(b"USER mrose\r\nPASS tanstaaf\r\nSTAT\r\n")
    assert reply.splitlines()[2].startswith(b"-ERR " + code)
    assert reply.splitlines()[3].startswith(b"-ERR")
    assert DETAIL.encode() not in reply


async def test_who_is_put_off_is_not_told_that_the_password_is_wrong(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    """RFC 3206, section 5: [AUTH] is for credentials that are wrong; nobody has looked at these."""
    meter = CountingMeter()
    client = await Client(make_server(store, accounts, meter=meter)).connect()
    accounts.error = TooManyAttempts(DETAIL)
    for _ in range(2 * MAX_SIGN_IN_FAILURES):
        reply = await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
        assert reply.splitlines()[-1].startswith(b"-ERR [SYS/TEMP]")
    assert not client.transport.closed
    assert set(meter.sign_ins) == {("USER", "put-off")}
    assert {line["reason"] for line in logs if line["event"] == "sign-in failed"} == {"put-off"}


async def test_accounts_that_cannot_be_asked(server: Pop3Server, accounts: Accounts) -> None:
    """Not [AUTH]: the password may be right, and must not be thrown away by the client."""
    client = await Client(server).connect()
    accounts.error = AuthUnavailable(DETAIL)
    reply = await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    assert reply.splitlines()[2].startswith(b"-ERR [SYS/TEMP]")
    assert DETAIL.encode() not in reply
    accounts.error = None
    assert b"-ERR" not in await client.say(b"USER mrose\r\nPASS tanstaaf\r\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable(DETAIL, temporary=True), b"[SYS/TEMP]"),
        (StoreUnavailable(DETAIL, temporary=False), b"[SYS/PERM]"),
        (LockLost(DETAIL), b"[SYS/TEMP]"),
    ],
)
async def test_an_update_that_fails_says_so_removes_nothing_and_releases_the_lock(
    server: Pop3Server, store: FaultyStore, logs: Logs, error: StoreError, code: bytes
) -> None:
    """RFC 1939, section 6: -ERR, then "the server releases any exclusive-access lock"."""
    await store.put("mrose", ONE, TWO)
    client = await Client(server).sign_in()
    await client.say(b"DELE 1\r\n")
    store.faults.errors["commit"] = error
    reply = await client.say(b"QUIT\r\n")
    assert reply.startswith(b"-ERR " + code)
    assert client.transport.closed
    assert (await store.memory.status("mrose")).count == 2
    assert not await store.locked("mrose")
    (end,) = [line for line in logs if line["event"] == "session ended"]
    assert end["deleted"] == 0
    assert any(DETAIL in str(line) for line in logs)


async def test_a_missing_body_is_logged_as_an_error_and_stays_listed(
    server: Pop3Server, store: FaultyStore, logs: Logs
) -> None:
    await store.put("mrose", ONE, TWO)
    client = await Client(server).sign_in()
    store.faults.lost.add(1)
    assert (await client.say(b"RETR 1\r\n")).startswith(b"-ERR [SYS/PERM]")
    errors = [line for line in logs if line["log_level"] == "error"]
    assert errors
    assert errors[0]["user"] == "mrose"
    listing = await client.say(b"LIST\r\n")
    assert b"\r\n1 %d\r\n2 %d\r\n.\r\n" % (len(ONE), len(TWO)) in listing
    await client.say(b"QUIT\r\n")
    assert (await store.memory.status("mrose")).count == 2


class PagingMaildrop(FaultyMaildrop):
    """Fails when the second page of a listing is asked for."""

    async def column(self, column: Column, first: int, last: int) -> Sequence[str]:
        if first > 1:
            raise StoreUnavailable(DETAIL, temporary=True)
        return await super().column(column, first, last)


class PagingStore(FaultyStore):
    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> PagingMaildrop:
        maildrop = await super().open(identity, minimum_interval=minimum_interval)
        return PagingMaildrop(maildrop, self.faults)


@pytest.mark.parametrize("command", [b"LIST\r\n", b"UIDL\r\n"])
async def test_a_listing_that_fails_half_way_never_looks_complete(
    accounts: Accounts, command: bytes
) -> None:
    """A client that took half a listing for all of it would think its mail gone."""
    store = PagingStore()
    await store.put("mrose", *[ONE] * 5000)
    server = make_server(store, accounts)
    client = await Client(server).sign_in()
    reply = await client.say(command)
    if reply.startswith(b"+OK"):
        assert not reply.endswith(b"\r\n.\r\n")
        assert client.transport.closed
    else:
        assert reply.startswith(b"-ERR [SYS/TEMP]")
    await settle()
    assert not await store.locked("mrose") or not client.transport.closed


class BuggyStore(FaultyStore):
    """Raises what no contract allows."""

    bug: str | None = None

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> FaultyMaildrop:
        maildrop = await super().open(identity, minimum_interval=minimum_interval)
        if self.bug == "open":
            await maildrop.release()
            raise RuntimeError("a bug")
        if self.bug:
            setattr(maildrop, self.bug, _buggy)
        return maildrop


async def _buggy(*_: object) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("bug", "commands"),
    [
        ("open", b"USER mrose\r\nPASS tanstaaf\r\n"),
        ("column", b"USER mrose\r\nPASS tanstaaf\r\nLIST\r\n"),
        ("body", b"USER mrose\r\nPASS tanstaaf\r\nRETR 1\r\n"),
        ("commit", b"USER mrose\r\nPASS tanstaaf\r\nDELE 1\r\nQUIT\r\n"),
    ],
)
async def test_a_bug_ends_one_session_with_an_answer_and_frees_its_maildrop(
    accounts: Accounts, logs: Logs, bug: str, commands: bytes
) -> None:
    store = BuggyStore()
    await store.put("mrose", ONE)
    server = make_server(store, accounts)
    bystander = await Client(server).sign_in("johndoe", "secret")
    store.bug = bug
    client = await Client(server).connect()
    reply = await client.say(commands)
    assert reply.splitlines()[-1].startswith(b"-ERR [SYS/TEMP]")
    assert b"bug" not in reply
    assert client.transport.closed
    assert not await store.locked("mrose")
    assert (await store.memory.status("mrose")).count == 1
    assert any(line["log_level"] == "error" for line in logs)
    assert (await bystander.say(b"NOOP\r\n")).startswith(b"+OK")


class LooseStore(FaultyStore):
    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> FaultyMaildrop:
        maildrop = await super().open(identity, minimum_interval=minimum_interval)
        setattr(maildrop, "release", _buggy)  # noqa: B010 - a method, for mypy
        return maildrop


async def test_a_release_that_fails_still_ends_the_session(accounts: Accounts, logs: Logs) -> None:
    store = LooseStore()
    server = make_server(store, accounts)
    client = await Client(server).sign_in()
    client.transport.client_cuts()
    await settle()
    assert server.connections == 0
    assert [line for line in logs if line["event"] == "session ended"]


class BreakingBody:
    """A stream whose second piece cannot be read."""

    def __init__(self) -> None:
        self.pieces = 0
        self.closed = False

    def __aiter__(self) -> BreakingBody:
        return self

    async def __anext__(self) -> bytes:
        self.pieces += 1
        if self.pieces > 1:
            raise StoreUnavailable(DETAIL, temporary=True)
        return b"Subject: large\r\n\r\n" + b"x" * 1000 + b"\r\n"

    async def aclose(self) -> None:
        self.closed = True


async def test_a_body_that_breaks_off_never_looks_whole(
    server: Pop3Server, store: FaultyStore, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No final dot, no -ERR in the middle of a message: the connection ends."""
    await store.put("mrose", b"Subject: large\r\n\r\n" + b"x" * 1_000_000)
    client = await Client(server).sign_in()
    maildrop = client.connection.session.maildrop
    assert maildrop is not None
    stream = BreakingBody()
    body = (await maildrop.body(1))._replace(content=stream)

    async def broken(_number: int) -> object:
        return body

    monkeypatch.setattr(maildrop, "body", broken)
    reply = await client.say(b"RETR 1\r\nNOOP\r\n")
    assert reply.startswith(b"+OK")
    assert not reply.endswith(b".\r\n")
    assert b"-ERR" not in reply
    assert reply.count(b"+OK") == 1
    assert client.transport.closed
    assert stream.closed
    assert not await store.locked("mrose")
    assert any(DETAIL in str(line) or line["log_level"] == "error" for line in logs)
    (end,) = [line for line in logs if line["event"] == "session ended"]
    assert end["reason"] == "reply broken off"
    assert end["retrieved"] == 0, "what did not arrive whole was not retrieved"


async def test_a_store_that_hangs_does_not_keep_the_server_from_stopping(
    store: FaultyStore, accounts: Accounts, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pillarbox.server.listener.LAST_WAIT", 0)
    server = make_server(store, accounts)
    await store.put("mrose", b"one")
    client = await Client(server).sign_in()
    maildrop = client.connection.session.maildrop
    assert maildrop is not None
    released = asyncio.Event()

    async def hangs(_numbers: object) -> None:
        await released.wait()

    monkeypatch.setattr(maildrop, "commit", hangs)
    await client.say(b"DELE 1\r\nQUIT\r\n")
    await server.stop(0)
    assert [line for line in logs if line["event"] == "sessions left behind"]
    released.set()
    await settle()
    assert server.connections == 0
