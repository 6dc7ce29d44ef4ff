"""How many connections, from where, and how a peer that is no mail client is shown out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.peers import is_loopback
from pillarbox.server.limits import LocalTally, Policy
from tests.server.conftest import Logs
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyStore


class CountingMeter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []
        self.ended: list[tuple[str, str, int, int, int]] = []
        self.began = 0
        self.sign_ins: list[tuple[str, str]] = []

    def session_began(self, door: str) -> None:
        self.began += 1

    def session_ended(
        self, door: str, reason: str, *, retrieved: int, octets: int, deleted: int
    ) -> None:
        self.ended.append((door, reason, retrieved, octets, deleted))

    def connection_refused(self, door: str, reason: str) -> None:
        self.refused.append((door, reason))

    def signed_in(self, mechanism: str, outcome: str) -> None:
        self.sign_ins.append((mechanism, outcome))

    def sign_in_delayed(self, by: str) -> None: ...
    def delivered(self, door: str, outcome: str, octets: int) -> None: ...
    def swept(
        self, outcome: str, *, messages: int = 0, octets: int = 0, absent: int = 0
    ) -> None: ...


async def test_connections_of_one_address(
    store: FaultyStore, accounts: Accounts, logs: Logs
) -> None:
    meter = CountingMeter()
    server = make_server(store, accounts, tally=LocalTally(2, 100), meter=meter)
    first = await Client(server, address="192.0.2.1").connect()
    await Client(server, address="192.0.2.1").connect()
    third = await Client(server, address="192.0.2.1").connect()
    assert third.transport.closed
    assert third.heard().startswith(b"-ERR [SYS/TEMP]")
    assert meter.refused
    assert any(line.get("peer") == "192.0.2.1" for line in logs)
    other = await Client(server, address="192.0.2.2").connect()
    assert other.heard().startswith(b"+OK"), "nobody else is affected"
    first.transport.client_cuts()
    await settle()
    again = await Client(server, address="192.0.2.1").connect()
    assert again.heard().startswith(b"+OK"), "who leaves makes room"


async def test_connections_in_all(store: FaultyStore, accounts: Accounts) -> None:
    server = make_server(store, accounts, tally=LocalTally(100, 2))
    clients = [await Client(server, address=f"192.0.2.{n}").connect() for n in range(3)]
    assert [client.transport.closed for client in clients] == [False, False, True]


@pytest.mark.parametrize("door", ["pop3", "pop3s"])
async def test_a_connection_that_was_turned_away_is_not_counted_again(
    store: FaultyStore, accounts: Accounts, door: str
) -> None:
    server = make_server(store, accounts, tally=LocalTally(1, 100))
    held = await Client(server, door).connect()
    for _ in range(3):
        refused = await Client(server, door).connect()
        assert refused.transport.closed
    await settle()
    held.transport.client_cuts()
    await settle()
    assert (await Client(server, door).connect()).heard().startswith(b"+OK")
    assert server.connections == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_the_tally_never_exceeds_its_limits(events: list[tuple[str, bool]]) -> None:
    tally = LocalTally(2, 4)
    inside: list[str] = []
    for address, enters in events:
        if enters:
            room = inside.count(address) < 2 and len(inside) < 4
            assert tally.enter(address) == room
            inside += [address] if room else []
        elif address in inside:
            tally.leave(address)
            inside.remove(address)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("unix", True),
        ("192.0.2.7", False),
        ("10.0.0.1", False),
        ("::ffff:192.0.2.7", False),
        ("2001:db8::1", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("", False),
        ("localhost.attacker.example", False),
    ],
)
def test_what_is_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback


async def test_a_peer_that_only_makes_mistakes_is_shown_out(
    store: FaultyStore, accounts: Accounts
) -> None:
    client = await Client(make_server(store, accounts)).connect()
    said = b""
    for _ in range(1000):
        said += await client.say(b"GIVE ME MAIL\r\n")
        if client.transport.closed:
            break
    assert client.transport.closed
    assert said.count(b"-ERR") >= 10, "a client that probes for commands is not thrown out"


async def test_guesses_on_one_connection_are_few(store: FaultyStore, accounts: Accounts) -> None:
    client = await Client(make_server(store, accounts)).connect()
    guesses = 0
    while not client.transport.closed:
        await client.say(b"USER mrose\r\nPASS guess%d\r\n" % guesses)
        guesses += 1
        assert guesses <= 20
    assert guesses >= 3, "a person may mistype"


@pytest.mark.parametrize("opening", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"EHLO spammer\r\n"])
async def test_other_protocols_are_shown_out_at_once(
    store: FaultyStore, accounts: Accounts, opening: bytes
) -> None:
    """ALPACA: a browser made to talk to this port must not get its own words across."""
    client = await Client(make_server(store, accounts)).connect()
    client.heard()
    reply = await client.say(opening)
    assert client.transport.closed
    assert reply.count(b"\r\n") == 1
    assert b"Host" not in reply
    assert b"spammer" not in reply


@pytest.mark.parametrize("chunk", [1, 100, 4096, 65536])
@pytest.mark.parametrize("signed_in", [False, True])
async def test_a_megabyte_without_a_line_end(
    store: FaultyStore, accounts: Accounts, chunk: int, signed_in: bool
) -> None:
    server = make_server(store, accounts)
    client = Client(server)
    await (client.sign_in() if signed_in else client.connect())
    client.heard()
    fed = 0
    while fed < 1_000_000 and not client.transport.closed:
        client.transport.client_sends(b"A" * chunk)
        fed += chunk
        assert client.connection.machine.buffered <= 16_384 + chunk
    assert client.transport.closed
    assert fed <= 16_384 + chunk
    await settle()
    assert server.connections == 0
    assert not await store.locked("mrose")


async def test_the_default_policy_is_the_safe_one() -> None:
    policy = Policy()
    assert policy.cleartext != "always"
    assert policy.apop is False
    assert policy.login_timeout <= 120
