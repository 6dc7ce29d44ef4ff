"""Services and page side by side, until a signal comes.

The end has an order. News are closed first: streams to open pages would hold the page up for ever. Then requests finish, so
that nobody is told of a change that was not made. Then services stop, each as it has promised; what
is half done is on disk, and goes on at the next start.
"""

from __future__ import annotations

import asyncio
import signal
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

_log = structlog.get_logger("pillarbox.reader")


async def run(
    page: PageServer, services: Sequence[Service], news: News, ready: Callable[[], None]
) -> None:
    """Until a signal, or until the page ends by itself; the second signal ends the process at once.

    Raises:
        OSError: the page cannot be served.
    """
    stopping = asyncio.Event()
    _on_signal(stopping.set)
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
