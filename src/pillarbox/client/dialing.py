"""A TCP connection to a host that may have several addresses: happy eyeballs (RFC 8305).

Names often have an IPv6 address that does not work from where one is, and a connection to it
only times out. So addresses are tried in turn, IPv6 and IPv4 by turns, each a quarter of a
second after the one before or as soon as that has failed; the first that answers is taken.
The standard library does so too, but gives a transport, and a proxy needs the socket.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from pillarbox.client.errors import Unreachable
from pillarbox.client.hosts import authority, is_address

T = TypeVar("T")

ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried as well (RFC 8305, section 5)."""

MOST_ADDRESSES = 10
"""Addresses that are tried; a name with more is a mistake or a trap."""


class Address(NamedTuple):
    """One address of the host, as ``getaddrinfo`` gives it."""

    family: int
    socket_address: tuple[Any, ...]


async def dial(
    host: str, port: int, loop: asyncio.AbstractEventLoop, *, role: str = ""
) -> socket.socket:
    """Connect; the socket is non-blocking. *role* stands before the place in sentences.

    Raises:
        Unreachable: there is no such host, or none of its addresses takes the connection.
    """
    place = f"{role} {authority(host, port)}".strip()
    try:
        addresses = await look_up(host, port, loop)
    except socket.gaierror as error:
        raise _no_address(place, host, error) from error
    return await race(addresses, place, loop)


async def look_up(host: str, port: int, loop: asyncio.AbstractEventLoop) -> list[Address]:
    """The addresses of *host*, in the order in which they are to be tried.

    Raises:
        socket.gaierror: there are none, or the resolver does not answer.
    """
    # As octets, or Python would load its codec for IDNA, which takes a millisecond and a half.
    name = host.encode()
    if is_address(host):  # no thread for what waits for nothing
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    else:
        found = await in_own_thread(
            loop, lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        )
    return by_turns([Address(row[0], row[4]) for row in found])[:MOST_ADDRESSES]


async def in_own_thread(loop: asyncio.AbstractEventLoop, work: Callable[[], T]) -> T:
    """What *work* returns, in a thread that nobody waits for.

    A resolver that does not answer can hold a thread for minutes. The loop's own threads are
    waited for when the loop ends, so that no time-out would be worth anything.
    """
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if outcome.done():  # given up
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(cast("T", result))

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 -- the waiting task's to deal with
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="resolver", daemon=True).start()
    return await outcome


def by_turns(addresses: Sequence[Address]) -> list[Address]:
    """The resolver's order (RFC 6724), but families by turns (RFC 8305, section 4)."""
    first = [a for a in addresses if a.family == addresses[0].family]
    second = [a for a in addresses if a.family != addresses[0].family]
    paired = [address for pair in zip(first, second, strict=False) for address in pair]
    shorter = min(len(first), len(second))
    return [*paired, *first[shorter:], *second[shorter:]]


async def race(
    addresses: Sequence[Address], place: str, loop: asyncio.AbstractEventLoop
) -> socket.socket:
    """The first connection that comes about; the others are given up.

    Raises:
        Unreachable: none did.
    """
    waiting = list(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    faults: list[OSError] = []
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(_connect(waiting.pop(0), loop)))
            done, _ = await asyncio.wait(
                running,
                timeout=ATTEMPT_DELAY if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                running.discard(task)
                try:
                    return task.result()
                except OSError as error:
                    faults.append(error)
    finally:
        await _give_up(running)
    raise _no_connection(place, faults)


async def _connect(address: Address, loop: asyncio.AbstractEventLoop) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await loop.sock_connect(connection, address.socket_address)
    except BaseException:
        connection.close()
        raise
    return connection


async def _give_up(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, socket.socket):  # came about at the very same time
            outcome.close()


def _no_address(place: str, host: str, error: socket.gaierror) -> Unreachable:
    if error.errno in {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)}:
        return Unreachable(
            f'cannot reach {place}: there is no host "{host}"; check its name', temporary=False
        )
    return Unreachable(
        f'cannot reach {place}: looking up "{host}" failed ({error.strerror}); check the network '
        "of this machine and its DNS, or try again later"
    )


# What to do, by what the system says.
_ADVICE = {
    errno.ECONNREFUSED: "nothing answers on that port: check it, or try again later",
    errno.ENETUNREACH: "check the network of this machine, or try again later",
    errno.EHOSTUNREACH: "check the network of this machine, or try again later",
    errno.EACCES: "a firewall of this machine forbids it",
    errno.EPERM: "a firewall of this machine forbids it",
}


def _no_connection(place: str, faults: Sequence[OSError]) -> Unreachable:
    reasons = dict.fromkeys(fault.errno or 0 for fault in faults)
    advice = next((_ADVICE[reason] for reason in reasons if reason in _ADVICE), "try again later")
    said = ", ".join(os.strerror(reason).lower() for reason in reasons)
    return Unreachable(f"cannot reach {place}: {said}; {advice}")
