"""Time-outs with a clock in the test's hands: silent, without UPDATE (RFC 1939, section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from pillarbox.model import Identity
from pillarbox.server.limits import Policy
from tests.server.conftest import Logs
from tests.transport import Client, Clock, make_server, settle
from tests.world import Accounts, FaultyMaildrop, FaultyStore

POLICY = Policy(idle_timeout=600, login_timeout=60)


class Watch:
    """A server, a clock, and a client."""

    def __init__(self, store: FaultyStore, accounts: Accounts) -> None:
        self.clock = Clock()
        self.server = make_server(store, accounts, POLICY)
        self.client = Client(self.server, clock=self.clock)

    async def pass_(self, seconds: float) -> None:
        self.clock.now += seconds
        self.server.expire(self.clock.now)
        await settle()

    @property
    def closed(self) -> bool:
        return self.client.transport.closed


@pytest.fixture
async def watch(store: FaultyStore, accounts: Accounts) -> Watch:
    return Watch(store, accounts)


def reason(logs: Logs) -> str:
    (line,) = [line for line in logs if line["event"] == "session ended"]
    return str(line["reason"])


async def test_idle_the_connection_is_closed_without_a_word_and_without_update(
    watch: Watch, store: FaultyStore, logs: Logs
) -> None:
    """RFC 1939, section 3: "the server should close the TCP connection without removing any
    messages or sending any response to the client"."""
    await store.put("mrose", b"one", b"two")
    await watch.client.sign_in()
    await watch.client.say(b"DELE 1\r\n")
    await watch.pass_(599)
    assert not watch.closed
    await watch.pass_(2)
    assert watch.closed
    assert watch.client.heard() == b""
    assert (await store.memory.status("mrose")).count == 2
    assert not await store.locked("mrose")
    assert reason(logs) == "idle"


async def test_each_command_resets_the_timer(watch: Watch) -> None:
    await watch.client.sign_in()
    for _ in range(5):
        await watch.pass_(590)
        assert (await watch.client.say(b"NOOP\r\n")).startswith(b"+OK")
    await watch.pass_(601)
    assert watch.closed


async def test_rfc_1939_wants_ten_minutes_at_least() -> None:
    assert Policy().idle_timeout >= 600


async def test_a_client_that_says_nothing_is_closed_after_the_login_timeout(
    watch: Watch, logs: Logs
) -> None:
    """A half-open connection, or one that never had anything to say."""
    await watch.client.connect()
    watch.client.heard()
    await watch.pass_(59)
    assert not watch.closed
    await watch.pass_(2)
    assert watch.closed
    assert watch.client.heard() == b""
    assert reason(logs) == "login time-out"


async def test_a_client_that_dribbles_does_not_stay_either(watch: Watch) -> None:
    await watch.client.connect()
    for _ in range(11):
        await watch.pass_(5)
        await watch.client.say(b"CAPA\r\n")
    assert not watch.closed
    await watch.client.say(b"US")
    await watch.pass_(6)
    assert watch.closed


async def test_a_client_that_signed_in_late_has_the_idle_timeout_from_then(watch: Watch) -> None:
    await watch.client.connect()
    await watch.pass_(50)
    await watch.client.say(b"USER mrose\r\nPASS tanstaaf\r\n")
    await watch.pass_(599)
    assert not watch.closed


async def test_a_client_that_does_not_read_is_idle(watch: Watch, store: FaultyStore) -> None:
    await store.put("mrose", b"Subject: x\r\n\r\n" + b"y" * 2_000_000)
    await watch.client.sign_in()
    watch.client.transport.client_reads = False
    await watch.client.say(b"RETR 1\r\n")
    await watch.pass_(601)
    assert watch.closed
    assert not await store.locked("mrose")


class SlowMaildrop(FaultyMaildrop):
    """Commits only when told to."""

    go: asyncio.Event
    began: asyncio.Event

    async def commit(self, numbers: Collection[int]) -> None:
        self.began.set()
        await self.go.wait()
        await super().commit(numbers)


class SlowStore(FaultyStore):
    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.began = asyncio.Event()

    async def open(self, identity: Identity, *, minimum_interval: float = 0) -> SlowMaildrop:
        maildrop = await super().open(identity, minimum_interval=minimum_interval)
        slow = SlowMaildrop(maildrop, self.faults)
        slow.go, slow.began = self.go, self.began
        return slow


async def test_a_commit_that_takes_long_is_not_idleness(accounts: Accounts) -> None:
    store = SlowStore()
    await store.put("mrose", b"one")
    watch = Watch(store, accounts)
    await watch.client.sign_in()
    await watch.client.say(b"DELE 1\r\nQUIT\r\n")
    await store.began.wait()
    await watch.pass_(700)
    assert not watch.closed
    store.go.set()
    await settle()
    assert watch.client.heard().startswith(b"+OK")
    assert (await store.memory.status("mrose")).count == 0


async def test_a_commit_that_has_begun_is_not_cut_in_half(accounts: Accounts) -> None:
    """The connection breaks during UPDATE: it is finished, and the lock is released."""
    store = SlowStore()
    await store.put("mrose", b"one", b"two")
    watch = Watch(store, accounts)
    await watch.client.sign_in()
    await watch.client.say(b"DELE 1\r\nQUIT\r\n")
    await store.began.wait()
    watch.client.transport.client_cuts()
    await settle()
    store.go.set()
    await settle()
    assert (await store.memory.status("mrose")).count == 1
    assert not await store.locked("mrose")
    assert watch.server.connections == 0


async def test_half_a_command_now_and_then_does_not_keep_the_lock(
    watch: Watch, store: FaultyStore
) -> None:
    """RFC 1939, section 3: the *receipt of any command* resets the timer, not of any byte."""
    await watch.client.sign_in()
    for byte in b"NOO":
        await watch.pass_(250)
        await watch.client.say(bytes([byte]))
    assert watch.closed
    assert not await store.locked("mrose")
