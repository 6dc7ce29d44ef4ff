"""Work on a large message, done beside the event loop.

Each step over a message (looking for smuggled dots, unstuffing, canonical form) costs about a
millisecond a megabyte; ten steps over 50 MiB would hold up every other client for half a
second. In a thread they hold the interpreter for one step at a time only; in one thread for
all, because several would take it from each other in turn and the loop would get it last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

LARGE_OCTETS = 1024 * 1024
"""Handing work to a thread costs 0.1 ms; below this size it would cost more than it saves."""

_BESIDE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-message")

P = ParamSpec("P")
T = TypeVar("T")


async def offload(octets: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do *work*, which is on so many octets: here when they are few, else in a thread."""
    if octets < LARGE_OCTETS:
        return work(*args, **kwargs)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_BESIDE, partial(work, *args, **kwargs))
