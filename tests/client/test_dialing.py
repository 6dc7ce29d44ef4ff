"""Connections by happy eyeballs, with addresses of loopback that behave in every way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from pillarbox.client import dialing
from pillarbox.client.dialing import MOST_ADDRESSES, Address, by_turns, dial, look_up, race
from pillarbox.client.errors import TimedOut, Unreachable
from pillarbox.client.proxy import open_connection

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def refusing() -> Iterator[socket.socket]:
    """Bound, so that nobody else listens there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Answers no attempt: its backlog is full, and nobody takes from it."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server


def address(of: socket.socket) -> Address:
    return Address(V4, of.getsockname())


def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def test_a_host_by_name(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with await dial("localhost", port, loop()) as connection:
        assert connection.getpeername() == listening.getsockname()
        assert not connection.getblocking()


async def test_a_host_by_address_asks_no_resolver(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "in_own_thread", None)
    with await dial("127.0.0.1", listening.getsockname()[1], loop()) as connection:
        assert connection.getpeername() == listening.getsockname()


async def test_an_address_that_refuses_makes_way_for_the_next(
    listening: socket.socket, refusing: socket.socket
) -> None:
    addresses = [address(refusing)] * 3 + [address(listening)]
    with await race(addresses, "h", loop()) as connection:
        assert connection.getpeername() == listening.getsockname()


async def test_an_address_that_does_not_answer_does_not_hold_up_the_next(
    listening: socket.socket, silent: socket.socket
) -> None:
    with await race([address(silent), address(listening)], "h", loop()) as connection:
        assert connection.getpeername() == listening.getsockname()


async def test_when_two_answer_at_once_one_is_taken_and_the_other_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = asyncio.Barrier(2)
    made: list[socket.socket] = []

    async def connect(*_: object) -> socket.socket:
        await both.wait()
        made.append(socket.socket())
        return made[-1]

    monkeypatch.setattr(dialing, "ATTEMPT_DELAY", 0)
    monkeypatch.setattr(dialing, "_connect", connect)
    with await race([Address(V4, ())] * 2, "h", loop()) as taken:
        (other,) = [one for one in made if one is not taken]
        assert taken.fileno() >= 0
        assert other.fileno() == -1


async def test_a_race_that_is_called_off_leaves_nothing_open(silent: socket.socket) -> None:
    running = asyncio.ensure_future(race([address(silent)] * 3, "h", loop()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_refused(refusing: socket.socket) -> None:
    port = refusing.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        await dial("127.0.0.1", port, loop())
    assert str(caught.value) == (
        f"cannot reach 127.0.0.1:{port}: connection refused; nothing answers on that port: check "
        "it, or try again later"
    )
    assert caught.value.temporary


async def test_several_faults_are_all_told(refusing: socket.socket) -> None:
    # A socket of this family cannot reach an address of the other.
    wrong = Address(V6, ("127.0.0.1", 1, 0, 0))
    with pytest.raises(Unreachable, match=r"h:1: .+, connection refused; nothing answers"):
        await race([wrong, address(refusing)], "h:1", loop())


@pytest.mark.parametrize(
    ("code", "temporary", "words"),
    [
        (socket.EAI_NONAME, False, 'there is no host "h.example"; check its name'),
        (socket.EAI_AGAIN, True, "check the network of this machine and its DNS"),
    ],
)
async def test_what_the_resolver_says_decides_whether_to_try_again(
    code: int, temporary: bool, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "what the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unreachable) as caught:
        await dial("h.example", 995, loop())
    assert caught.value.temporary is temporary
    assert words in str(caught.value)


def test_families_take_turns_in_the_order_of_the_resolver() -> None:
    def named(*names: str) -> list[Address]:
        return [Address(V6 if name[0] == "6" else V4, (name,)) for name in names]

    for given, wanted in [
        ((), ()),
        (("6a",), ("6a",)),
        (("6a", "6b", "4a", "4b"), ("6a", "4a", "6b", "4b")),
        (("4a", "4b", "4c", "6a"), ("4a", "6a", "4b", "4c")),
        (("6a", "4a", "4b", "4c"), ("6a", "4a", "4b", "4c")),
    ]:
        assert by_turns(named(*given)) == named(*wanted)


async def test_a_name_with_many_addresses_is_tried_on_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(*_: object, **__: object) -> list[object]:
        return [(V4, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 995)) for n in range(1, 100)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert len(await look_up("h.example", 995, loop())) == MOST_ADDRESSES


async def test_the_time_out_counts_for_everything(silent: socket.socket) -> None:
    port = silent.getsockname()[1]
    with pytest.raises(TimedOut) as caught:
        await open_connection("127.0.0.1", port, proxy=None, timeout=0.01, loop=loop())
    assert str(caught.value).startswith(f"no connection to 127.0.0.1:{port} within 0.01 seconds")
    assert "--timeout" in str(caught.value)


async def test_a_family_that_this_machine_has_not_is_one_fault_among_others(
    listening: socket.socket,
) -> None:
    unknown = Address(12345, ())
    with await race([unknown, address(listening)], "h", loop()):
        pass
    with pytest.raises(Unreachable, match="family"):
        await race([unknown], "h", loop())


def test_a_resolver_that_does_not_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even the end of the event loop, which waits for its own threads."""
    answer = threading.Event()
    ended = threading.Event()

    def stuck(*_: object, **__: object) -> list[object]:
        answer.wait()
        ended.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    with pytest.raises(TimedOut):
        asyncio.run(_open_within(0.05))  # seconds: the time-out is what is tested
    assert not ended.is_set()  # asyncio.run has ended, the resolver has not
    answer.set()
    assert ended.wait()


async def _open_within(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    await open_connection("mail.example", 995, proxy=None, timeout=seconds, loop=loop)
