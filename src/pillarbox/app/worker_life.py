"""The life of a child process: begin, say so, beat, drain, end.

The same for workers and for the health page. Orders come from the supervisor as signals:

=========  ======================================================================
SIGTERM    stop accepting; what runs may finish for ``limits.stop_grace`` seconds
SIGUSR2    close what still runs now (not a second SIGTERM: the system may merge two
           that come close together)
SIGUSR1    a newer generation has taken over: stop accepting, and let sessions end
           in peace (for :data:`RETIRED_SECONDS` at most), those too that have only
           begun: nobody should notice a reload
=========  ======================================================================

The *lifeline* is a pipe whose other end only the supervisor holds. When it closes, the
supervisor is gone (even by SIGKILL): the process then drains as on SIGTERM, since nobody
would ever replace or stop it. SIGINT and SIGHUP reach a whole terminal's processes;
children leave them to the supervisor.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog
import uvloop

from pillarbox.app import allocator, logs, privileges
from pillarbox.app.shared import Column, SharedTable, State
from pillarbox.app.supervisor_setup import Setup
from pillarbox.contracts.errors import PillarboxError

_log = structlog.get_logger("pillarbox.worker")

BEAT_SECONDS = 1.0
# A session of an old generation may be a slow line that collects a large maildrop; nobody
# should be cut off for a new certificate. But a process must not live on old settings for
# ever either.
RETIRED_SECONDS = 4 * 3600.0

# Event loops close listening sockets a few turns after they are asked to.
_TURN_SECONDS = 0.002
_CLOSING_SECONDS = 2.0

FAILED = 1
CRASHED = 70  # EX_SOFTWARE of sysexits.h: a mistake in Pillarbox itself


class Order(NamedTuple):
    """How to end."""

    grace: float
    """Seconds that what runs may go on for."""
    leave_newcomers: bool = False
    """Whether that goes for clients that have not signed in yet, or are between two messages, too."""


@dataclass(frozen=True)
class Seat:
    """What the supervisor hands to a child."""

    role: str
    """``worker`` or ``monitor``."""
    number: int
    """Which of the workers, from 0."""
    setup: Setup
    table: SharedTable
    column: Column
    """The child's own column of the table."""
    lifeline: int
    """Descriptor that reads as closed when the supervisor is gone."""
    notice: int
    """Descriptor to write a byte to when the state has changed."""
    metrics: Path | None
    """Folder of the metrics files; None: there is none, and nothing is counted."""

    @property
    def sockets(self) -> list[socket.socket]:
        """The listening sockets that this child accepts from."""
        listeners = self.setup.listeners
        mine = [listener for listener in listeners if (listener.door == "http") == self.is_monitor]
        return [listener.socket_of(self.number) for listener in mine]

    @property
    def is_monitor(self) -> bool:
        return self.role == "monitor"


class Service(Protocol):
    """What a child process does."""

    async def start(self) -> None:
        """Accept clients; raises when that is not possible."""

    async def stop(self, order: Order) -> None:
        """Accept no more, give what runs the time that *order* says, end.

        May be cancelled and called again with less.
        """

    def beat(self) -> None:
        """Called once a second; must be quick."""


def run(seat: Seat, service: Service) -> int:
    """Live in this (freshly forked) process; returns the exit code."""
    server = seat.setup.config.server
    logs.configure(server.log_format, server.log_level, final=True)
    sys.unraisablehook = logs.log_unraisable
    try:
        allocator.settle()
        privileges.become(seat.setup.user)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(seat, service))
    except (PillarboxError, OSError) as error:
        _log.error("cannot serve", role=seat.role, error=f"{error}" or repr(error))
        return FAILED
    except Exception:  # noqa: BLE001 - the exit code says it to the supervisor
        _log.exception("ended by a mistake in the program", role=seat.role)
        return CRASHED
    return 0


async def _live(seat: Seat, service: Service) -> None:
    orders = _Orders(seat)
    orders.listen()
    await service.start()
    seat.column.state = State.READY
    _notify(seat)
    beating = asyncio.get_running_loop().create_task(_beat(seat, service))
    try:
        await _drain(seat, service, orders)
    finally:
        beating.cancel()
        service.beat()


def _notify(seat: Seat) -> None:
    try:
        os.write(seat.notice, b"!")
    except OSError:  # the supervisor is gone; the lifeline says so
        return


async def _beat(seat: Seat, service: Service) -> None:
    while True:
        seat.column.beat()
        service.beat()
        await asyncio.sleep(BEAT_SECONDS)


async def _drain(seat: Seat, service: Service, orders: _Orders) -> None:
    """Wait for the order to end, then obey; a stricter order that follows takes over."""
    order = await orders.next()
    _log.debug("draining", role=seat.role, grace=order.grace)
    telling = asyncio.ensure_future(_tell_when_closed(seat))
    while True:
        stopping = asyncio.ensure_future(service.stop(order))
        stricter = asyncio.ensure_future(orders.next())
        await asyncio.wait({stopping, stricter}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            stricter.cancel()
            telling.cancel()
            return stopping.result()
        stopping.cancel()
        await asyncio.wait({stopping})
        order = stricter.result()


async def _tell_when_closed(seat: Seat) -> None:
    """Say that this process accepts nobody any more, as soon as that is true."""
    turns = _CLOSING_SECONDS / _TURN_SECONDS
    while turns > 0 and any(sock.fileno() >= 0 for sock in seat.sockets):
        await asyncio.sleep(_TURN_SECONDS)
        turns -= 1
    seat.column.state = State.DRAINING
    _notify(seat)


class _Orders:
    """The orders that have come, as signals and by the lifeline."""

    def __init__(self, seat: Seat) -> None:
        self._queue: asyncio.Queue[Order] = asyncio.Queue()
        self._seat = seat
        self._stop = Order(seat.setup.config.limits.stop_grace)

    async def next(self) -> Order:
        return await self._queue.get()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number, order in (
            (signal.SIGTERM, self._stop),
            (signal.SIGUSR1, Order(RETIRED_SECONDS, leave_newcomers=True)),
            (signal.SIGUSR2, Order(0.0)),
        ):
            loop.add_signal_handler(number, self._queue.put_nowait, order)
        loop.add_reader(self._seat.lifeline, self._orphaned)

    def _orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(self._seat.lifeline)
        _log.error("the supervisor is gone; draining", role=self._seat.role)
        self._queue.put_nowait(self._stop)
