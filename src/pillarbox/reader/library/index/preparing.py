"""Messages' files read and understood: a few in this process, many in others beside it.

Understanding a message takes a millisecond or more, writing it down less. So a mailbox is understood by processes of
their own, and written down by this one. They are started anew (spawned): this process may have threads. They end with
it, however it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pillarbox.reader.library.index.arrival import Arrival, arrival
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import Entry, MessageKey

ALONE = 300
"""As many messages are understood here: processes would not have started before they are done."""
BATCH = 100
"""Messages that go to a process, and come back, at a time: enough to make the way there cheap, and few enough
to see progress; with their text some MB at most."""
_AHEAD = 3
"""Batches for each process that are understood and not written down yet, at most."""
_MOST_PROCESSES = 4
"""More understand quicker than one can write."""
MOST_OCTETS = 64 * 1024 * 1024
"""Of a message that is looked at. What lies beyond is an attachment's end; it would only take memory."""


class Task(NamedTuple):
    """A message that is to be understood."""

    key: MessageKey
    entry: Entry
    path: Path
    arrived: float
    """POSIX time."""


Prepare = Callable[[Iterable[Task]], Iterator[list[Arrival]]]


@contextmanager
def preparing(many: bool) -> Iterator[Prepare]:  # noqa: FBT001 - there is nothing else
    """What makes arrivals of tasks, in batches, in order; files that are not there any more are left out. *many*: in processes
    of their own, which end with the block.
    """
    if not many:
        yield _here
        return
    count = processes()
    with ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), _begin, (os.getpid(),)
    ) as pool:

        def beside(tasks: Iterable[Task]) -> Iterator[list[Arrival]]:
            return _beside(pool, count * _AHEAD, tasks)

        try:
            yield beside
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def processes() -> int:
    """How many are worth starting."""
    return max(1, min(_MOST_PROCESSES, os.cpu_count() or 1))


def _here(tasks: Iterable[Task]) -> Iterator[list[Arrival]]:
    for batch in _batches(tasks):
        yield _prepare(batch)


def _beside(pool: ProcessPoolExecutor, most: int, tasks: Iterable[Task]) -> Iterator[list[Arrival]]:
    waiting: deque[Future[list[Arrival]]] = deque()
    for batch in _batches(tasks):
        waiting.append(pool.submit(_prepare, batch))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    rest = iter(tasks)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _prepare(tasks: Sequence[Task]) -> list[Arrival]:
    found = []
    for task in tasks:
        summary = _understood(task.path)
        if summary is not None:
            found.append(arrival(task.key, task.entry, summary, task.arrived))
    return found


def _understood(path: Path) -> Summary | None:
    """None: it is gone. What cannot be read, or breaks our own code, is listed all the same: whoever opens it is
    told why, and the rest of the mail does not wait for it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_OCTETS)
            octets = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return None
    except OSError:
        return Summary()
    try:
        return replace(summarise(data), octets=octets)
    except Exception:  # noqa: BLE001 - see above
        return Summary(octets=octets)


def _begin(parent: int) -> None:
    """In a new process: Ctrl-C is for the parent, and what ends that, ends this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # pages are read while this goes on
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    above = multiprocessing.parent_process()
    if above is not None and above.pid == parent:
        above.join()
        os._exit(1)
