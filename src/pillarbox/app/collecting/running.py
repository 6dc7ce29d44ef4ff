"""Runs, and the signals that end them.

SIGINT and SIGTERM end what goes on in good order: what is proved to have come whole is
stored, nothing more is asked of the server, and nothing is deleted that would not have been.
That takes as long as a disk needs to sync. A second signal ends the process at once, which
loses nothing either: it is what the journal is for.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pillarbox.app.collecting.listening import Listener
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.limits import AT_ONCE
from pillarbox.fetch.plan import Plan
from pillarbox.fetch.run import Outcome, preview
from pillarbox.fetch.several import run_all

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """A signal ended the work."""


def collect(accounts: Sequence[Account], state: Path, listener: Listener) -> list[Outcome]:
    """Collect each once; the outcomes in their order.

    Raises:
        Interrupted: by a signal.
    """
    return until_signal(run_all(accounts, state, tell=listener.tell, ended=listener.ended))


def watch(
    accounts: Sequence[Account], state: Path, interval: float, listener: Listener
) -> list[Outcome]:
    """Collect them again and again; the last outcome of each, when all wait for the user.

    Raises:
        Interrupted: by a signal.
    """
    from pillarbox.fetch.watch import watch as keep_on  # noqa: PLC0415 -- not for a poll

    return until_signal(
        keep_on(
            accounts,
            state,
            interval,
            tell=listener.tell,
            ended=listener.ended,
            pausing=listener.pausing,
        )
    )


def previews(accounts: Sequence[Account], state: Path) -> list[Plan | PillarboxError]:
    """What runs would do, or what stands in their way; in the order of *accounts*.

    Raises:
        Interrupted: by a signal.
    """
    return until_signal(_previews(accounts, state))


async def _previews(accounts: Sequence[Account], state: Path) -> list[Plan | PillarboxError]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(account: Account) -> Plan | PillarboxError:
        async with places:
            try:
                return await preview(account, state)
            except PillarboxError as error:
                return error

    return await asyncio.gather(*map(one, accounts))


def until_signal(work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*.

    Raises:
        Interrupted: a signal came first; what *work* does when it is cancelled is done.
    """
    return asyncio.run(_until_signal(work))


async def _until_signal(work: Coroutine[Any, Any, T]) -> T:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    came = False

    def stop() -> None:
        nonlocal came
        came = True
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # the second one ends the process
        task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if came:
            raise Interrupted from None
        raise
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
