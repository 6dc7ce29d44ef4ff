"""Behind a load balancer: the PROXY header, on real sockets and both kinds of event loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox import doorway
from pillarbox.doorway import Introduced, introduction
from pillarbox.peers import Network, Visitors
from pillarbox.server.limits import LocalTally, Policy
from pillarbox.wire.proxy_header import ProxyHeader
from tests.server.conftest import Logs
from tests.server.proxied import (
    CLIENT,
    LOOPS,
    OVER_TLS,
    PROXY,
    STRANGER,
    Caller,
    ProxiedHouse,
    TlsCaller,
    in_house,
    v1,
    v2,
)
from tests.transport import nobody_left, settle

Loop = Callable[[], asyncio.AbstractEventLoop]
pytestmark = pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])

HEADERS = {"version 1": v1(), "version 2": v2(), "with values": v2(values=OVER_TLS)}


def events(logs: Logs, event: str) -> Logs:
    return [line for line in logs if line["event"] == event]


def peers(logs: Logs) -> list[str]:
    return [line["peer"] for line in events(logs, "session ended")]


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_pop3s_with_header_and_hello_split_at_every_octet(
    tmp_path: Path, loop: Loop, header: bytes, logs: Logs
) -> None:
    """Once in one segment; and cut anywhere in the header, behind it, and early in the hello."""

    async def play(house: ProxiedHouse) -> None:
        for cut in range(len(header) + 8):
            caller = await house.call("pop3s")
            client = TlsCaller(caller, house.context)
            opening = header + client.hello()
            await caller.send(*filter(None, (opening[:cut], opening[cut:])))
            await client.shake_hands()
            assert (await client.hear()).startswith(b"+OK")
            await client.send(b"QUIT\r\n")
            assert (await client.hear()).startswith(b"+OK")
            caller.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [CLIENT] * (len(header) + 8)
    assert {line["reason"] for line in events(logs, "session ended")} == {"quit"}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("door", ["pop3", "file"])
def test_pop3_with_commands_right_behind_the_header(
    tmp_path: Path, loop: Loop, header: bytes, door: str, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        opening = header + b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n"
        for cut in range(len(header) + 8):
            caller = await house.call(door)
            await caller.send(*filter(None, (opening[:cut], opening[cut:])))
            assert (await caller.hear_all()).count(b"+OK") == 4
            caller.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [CLIENT] * (len(header) + 8)


def test_octet_by_octet(tmp_path: Path, loop: Loop, logs: Logs) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3s")
        client = TlsCaller(caller, house.context)
        await caller.send(*(bytes((octet,)) for octet in v2() + client.hello()))
        await client.shake_hands()
        assert (await client.hear()).startswith(b"+OK")
        caller.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [CLIENT]


def test_nothing_is_said_before_the_header(tmp_path: Path, loop: Loop) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        hearing = asyncio.ensure_future(caller.hear())
        await settle()
        assert not hearing.done()
        await caller.send(v1())
        assert (await hearing).startswith(b"+OK")
        caller.close()

    in_house(tmp_path, loop, play)


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2(command=0), v1("0.0.0.0")])
def test_a_proxy_that_speaks_for_itself_counts_as_itself(
    tmp_path: Path, loop: Loop, header: bytes, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(header + b"QUIT\r\n")
        assert (await caller.hear_all()).count(b"+OK") == 2
        caller.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [PROXY]


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_from_anybody_else_a_header_is_a_bad_command_and_the_address_its_own(
    tmp_path: Path, loop: Loop, header: bytes, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3", STRANGER)
        assert (await caller.hear()).startswith(b"+OK")
        await caller.send(header)
        assert (await caller.hear()).startswith(b"-ERR")
        caller.close()
        tls = await house.call("pop3s", STRANGER)
        await tls.send(header + TlsCaller(tls, house.context).hello())
        assert b"+OK" not in await tls.hear_all()
        tls.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [STRANGER, STRANGER]


def test_from_anybody_else_everything_is_as_ever(tmp_path: Path, loop: Loop, logs: Logs) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3s", STRANGER)
        client = TlsCaller(caller, house.context)
        await caller.send(client.hello())
        await client.shake_hands()
        assert (await client.hear()).startswith(b"+OK")
        caller.close()
        await nobody_left(house.server)

    in_house(tmp_path, loop, play)
    assert peers(logs) == [STRANGER]


@pytest.mark.parametrize(
    "opening", [b"CAPA\r\n", b"\x16\x03\x01", b"PROXY TCP4 x\r\n", b"PROXY " * 99, v2()[:-1] + b""]
)
def test_a_proxy_without_a_right_header_is_turned_away_and_logged(
    tmp_path: Path, loop: Loop, opening: bytes, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(opening)
        if opening == v2()[:-1]:  # so far it is one, and then it ends
            caller._sock.shutdown(socket.SHUT_WR)
        assert await caller.hear_all() == b""
        caller.close()

    in_house(tmp_path, loop, play)
    (line,) = events(logs, "connection refused")
    assert line["peer"] == PROXY
    assert line["door"] == "pop3"
    assert "PROXY" in line["reason"]
    assert not peers(logs)


def test_a_proxy_that_says_nothing_is_waited_for_as_long_as_a_sign_in(
    tmp_path: Path, loop: Loop, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(b"PROXY")
        assert await caller.hear_all() == b""
        caller.close()

    in_house(tmp_path, loop, play, policy=Policy(login_timeout=0.1))
    (line,) = events(logs, "connection refused")
    assert line["reason"] == "no PROXY header in time"


def test_who_only_tries_the_port_is_no_matter_for_the_log(
    tmp_path: Path, loop: Loop, logs: Logs
) -> None:
    """Load balancers do, every few seconds, to see whether the server is there."""

    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        caller.close()
        await settle()

    in_house(tmp_path, loop, play)
    assert logs == []


def test_limits_count_the_client_and_not_the_proxy(tmp_path: Path, loop: Loop, logs: Logs) -> None:
    async def play(house: ProxiedHouse) -> None:
        said = []
        for source in ("203.0.113.7", "203.0.113.8", "203.0.113.7"):
            caller = await house.call("pop3")
            await caller.send(v2(source))
            said.append((await caller.hear())[:4])
        assert said == [b"+OK ", b"+OK ", b"-ERR"]

    in_house(tmp_path, loop, play, tally=LocalTally(1, 100))
    (line,) = events(logs, "connection refused")
    assert line["peer"] == "203.0.113.7"


def test_who_is_not_admitted_is_asked_after_the_header(tmp_path: Path, loop: Loop) -> None:
    async def play(house: ProxiedHouse) -> None:
        said = []
        for source in ("203.0.113.7", "198.51.100.7"):
            caller = await house.call("pop3")
            await caller.send(v1(source))
            said.append((await caller.hear())[:4])
        assert said == [b"-ERR", b"+OK "]

    visitors = Visitors(deny=[Network.parse("203.0.113.0/24")])
    in_house(tmp_path, loop, play, policy=Policy(visitors=visitors))


def test_a_stop_lets_go_of_who_has_not_said_who_it_is(tmp_path: Path, loop: Loop) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(v1()[:9])
        await house.server.stop(0)
        assert await caller.hear_all() == b""
        caller.close()

    in_house(tmp_path, loop, play)


def test_a_reload_lets_it_come_in(tmp_path: Path, loop: Loop) -> None:
    """Nobody should notice a reload, in whatever moment it comes."""

    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(v1()[:9])
        stopping = asyncio.ensure_future(house.server.stop(60, leave_newcomers=True))
        await settle()
        assert not stopping.done()
        await caller.send(v1()[9:] + b"USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n")
        assert (await caller.hear_all()).count(b"+OK") == 4
        caller.close()
        await stopping

    in_house(tmp_path, loop, play)


@pytest.mark.parametrize(
    ("believed", "values", "expected"),
    [(True, OVER_TLS, True), (True, b"", False), (False, OVER_TLS, False)],
)
def test_tls_that_ends_at_the_proxy_counts_only_where_the_operator_says_so(
    tmp_path: Path, loop: Loop, believed: bool, values: bytes, expected: bool, logs: Logs
) -> None:
    async def play(house: ProxiedHouse) -> None:
        caller = await house.call("pop3")
        await caller.send(v2(values=values) + b"CAPA\r\nUSER mrose\r\nPASS tanstaaf\r\nQUIT\r\n")
        said = await caller.hear_all()
        assert (b"\r\nSTLS\r\n" in said) is not expected
        assert (b"\r\nUSER\r\n" in said) is expected
        assert (b"maildrop has" in said) is expected
        caller.close()
        await nobody_left(house.server)

    policy = Policy(hostname="localhost", cleartext="never")
    in_house(tmp_path, loop, play, policy=policy, proxy_tls=believed)
    assert events(logs, "session ended")[0]["tls"] == ("proxy" if expected else None)


def test_connections_without_a_header_are_bounded(
    tmp_path: Path, loop: Loop, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "MAX_NAMELESS", 3)

    async def play(house: ProxiedHouse) -> None:
        waiting = [await house.call("pop3") for _ in range(3)]
        await settle()
        one_more = await house.call("pop3")
        assert await one_more.hear_all() == b""
        for caller in waiting:
            await caller.send(v1())
            assert (await caller.hear()).startswith(b"+OK")
            caller.close()
        one_more.close()

    in_house(tmp_path, loop, play)
    (line,) = events(logs, "connection refused")
    assert line["reason"] == "too many connections without a PROXY header"


class _Exhausted(socket.socket):
    """A listening socket for which the system has no descriptors left, at first."""

    left = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.left:
            self.left -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_when_files_run_out_accepting_goes_on_later(
    tmp_path: Path, loop: Loop, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "_RETRY_SECONDS", 0.0)

    async def play(house: ProxiedHouse) -> None:
        listening = _Exhausted()
        listening.bind(("127.0.0.1", 0))
        await house.server.listen("pop3", listening, house.proxies)
        caller = await Caller.at(listening.getsockname())
        await caller.send(v1())
        assert (await caller.hear()).startswith(b"+OK")
        caller.close()

    in_house(tmp_path, loop, play)
    assert len(events(logs, "cannot accept")) == 2


@pytest.mark.parametrize(
    ("source", "proxy", "peer"),
    [
        ("203.0.113.7", "10.0.0.1", "203.0.113.7"),
        ("::ffff:203.0.113.7", "10.0.0.1", "203.0.113.7"),
        ("2001:db8::7", "unix", "2001:db8::7"),
        (None, "10.0.0.1", "10.0.0.1"),
        (None, "unix", "unix"),
        # The proxy's loopback is not ours: who comes by ours may send passwords in clear.
        ("127.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("::1", "10.0.0.1", "10.0.0.1"),
        ("::ffff:127.0.0.1", "10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "unix", "127.0.0.1"),
        ("0.0.0.0", "10.0.0.1", "10.0.0.1"),
        ("::", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_whom_a_header_names(loop: Loop, source: str | None, proxy: str, peer: str) -> None:
    assert introduction(ProxyHeader(source), proxy, tls=False) == Introduced(peer)
