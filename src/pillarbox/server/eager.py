"""Starting a coroutine at once, and paying for a task only if it has to wait.

Most commands find their answer in memory or in the page cache and never suspend. Waking a
task for each of them would cost more than the commands themselves (a future, a call_soon,
another turn of the loop: about 10 µs where a whole RETR takes 20). So the first step runs
right where the bytes came in; a coroutine that suspends is handed to a task for the rest.

Python 3.12 has eager tasks for this; 3.11 has not. The price: during that first step there
is no current task, so what relies on one (``asyncio.timeout``, task groups) must come after
a first suspension, for which ``await asyncio.sleep(0)`` will do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from pillarbox.resuming import rest_of


def start(
    coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop
) -> asyncio.Task[None] | None:
    """Run *coroutine* up to its first suspension; None when it has ended without one.

    What it raises in that first step is raised here; later, it is the task's.
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return loop.create_task(rest_of(coroutine, awaited))
