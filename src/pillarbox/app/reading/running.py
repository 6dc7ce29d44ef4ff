"""Services and page side by side, until a signal comes.

The end has an order. News are closed first: streams to open pages would hold the page up for ever. Then requests finish, so
that nobody is told of a change that was not made. Then services stop, each as it has promised; what
is half done is on disk, and goes on at the next start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import structlog

from pillarbox.reader.news import News
from pillarbox.reader.web.server import PageServer

Service = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAUSE = 30.0
"""Seconds until a service that failed begins again: whatever it was, the others and the page go on."""

_MUCH = 65_536
"""Octets that are thrown away at once."""

_log = structlog.get_logger("pillarbox.reader")


Ending = Callable[[Callable[[], None]], None]
"""Returns at once, and calls what it is given, from whatever thread, when there is another reason to end."""


async def run(
    page: PageServer,
    services: Sequence[Service],
    news: News,
    ready: Callable[[], None],
    ending: Ending | None = None,
) -> None:
    """Until a signal, until *ending*, or until the page ends by itself; the second signal ends the process at once.

    Raises:
        OSError: the page cannot be served.
    """
    stopping = asyncio.Event()
    _on_signal(stopping.set)
    if ending is not None:
        ending(_told_from_a_thread(asyncio.get_running_loop(), stopping.set))
    serving = await page.start()
    serving.add_done_callback(lambda _: stopping.set())
    running = [
        asyncio.create_task(kept(service), name=getattr(service, "__qualname__", "service"))
        for service in services
    ]
    try:
        ready()
        await stopping.wait()
    finally:
        news.close()
        await page.stop()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def kept(
    service: Service, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Run *service*, again and again if it fails: that is a defect, which is logged."""
    while True:
        try:
            await service()
        except Exception:  # noqa: BLE001 -- whatever it is: see above
            _log.exception("service failed", service=getattr(service, "__qualname__", ""))
            await sleep(PAUSE)
        else:
            return


def _on_signal(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def came() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in SIGNALS:
        with suppress(ValueError, OSError):  # not in this thread: a test, or somebody else's loop
            loop.add_signal_handler(number, came)


def when_stdin_ends(stop: Callable[[], None]) -> None:
    """Call *stop* then: whoever holds the other end has ended, however that came about. What comes until then is not
    looked at. The thread ends with the process.
    """

    def wait() -> None:
        with suppress(OSError):  # it is closed already
            while os.read(sys.stdin.fileno(), _MUCH):
                pass
        stop()

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def _told_from_a_thread(
    loop: asyncio.AbstractEventLoop, stop: Callable[[], None]
) -> Callable[[], None]:
    def told() -> None:
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop)

    return told
