"""What a browser waits for: the whole replies of a reader's process."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.reader.index import LARGEST, TYPED, Finding
from bench.reader.reading import Reading, reading
from bench.reader.spent import REPEATED, processor_time, pss, spent

_STARTS = 5
_MANY = 1_000
_PART = 50
"""Rows of a page."""
_KEY = re.compile(r'data-message="([^"]+)"')
_TOTAL = re.compile(r'data-total="(\d+)"')


def measure(root: Path) -> Iterator[Finding]:
    """Of the library in the folder *root*, which has an index."""
    yield from _starts(root)
    with reading(root) as reader:
        reader.come_in()
        reader.get("/mail/Inbox")
        yield "memory (PSS) after the first page, MB", f"{pss(reader.pid) / 1e6:.0f}"
        yield from _lists(reader)
        yield from _searches(reader)
        yield from _changes(reader)
        yield "memory (PSS) after all that, MB", f"{pss(reader.pid) / 1e6:.0f}"


def _starts(root: Path) -> Iterator[Finding]:
    address: list[float] = []
    page: list[float] = []
    processor: list[tuple[float, float]] = []
    for _ in range(_STARTS):
        with reading(root) as reader:
            began, cpu = time.perf_counter(), processor_time(reader.pid)
            reader.come_in()
            reader.get("/mail/Inbox")
            address.append(reader.started)
            page.append(reader.started + (time.perf_counter() - began) * 1000)
            processor.append((cpu * 1000, processor_time(reader.pid) * 1000))
    for what, took, which in (("address", address, 0), ("first list", page, 1)):
        least = min(each[which] for each in processor)
        yield (
            f"from the command to the {what}",
            f"{statistics.median(took):.0f} (least {min(took):.0f}, processor {least:.0f})",
        )


def _lists(reader: Reading) -> Iterator[Finding]:
    for folder in ("Inbox", LARGEST):
        found = _TOTAL.search(reader.get(f"/mail/{folder}"))
        total = int(found[1]) if found else 0
        for first in (0, total // 2, total - _PART):
            get = partial(reader.get, f"/mail/{folder}", first=first)
            yield f"/mail/{folder}, {total:,} rows, at {first:,}", _spent(reader, get)
    keys = _keys(reader.get("/mail/Inbox"))
    yield (
        "/mail/Inbox with a message open",
        _spent(reader, lambda: reader.get("/mail/Inbox", m=keys[3])),
    )


def _searches(reader: Reading) -> Iterator[Finding]:
    clock: list[float] = []
    processor: list[float] = []
    for typed in TYPED:
        took = spent(partial(reader.get, "/search", q=typed), process=reader.pid)
        clock += took.clock
        processor.append(min(took.processor))
        yield f"/search?q={typed}", str(took)
    for what, times in (("", clock), (", processor time", processor)):
        usual, most, worst = (
            statistics.median(times),
            statistics.quantiles(times, n=20)[-1],
            max(times),
        )
        yield (
            f"all searches{what}: median, 95 %, worst",
            f"{usual:.1f}, {most:.1f}, {worst:.1f}",
        )


def _changes(reader: Reading) -> Iterator[Finding]:
    some: list[str] = []
    while len(some) < _MANY:
        some += _keys(reader.get(f"/mail/{LARGEST}", first=len(some)))
    for how_many in (1, _MANY):
        chosen = [("m", key) for key in some[:how_many]]
        for what, path, more in (
            ("flagged", "/do/mark", [("flag", "flagged"), ("on", "1")]),
            ("archived", "/do/archive", []),
        ):
            times = REPEATED if how_many == 1 else 1
            yield from _done(reader, f"{how_many:,} {what}", path, chosen + more, times)


def _done(
    reader: Reading, what: str, path: str, fields: list[tuple[str, str]], times: int
) -> Iterator[Finding]:
    """A change, and its undoing."""
    done: list[str] = []

    def undo() -> None:
        reader.do(f"/undo/{done[-1]}", [])

    first = [spent(lambda: done.append(reader.do(path, fields)), 1, reader.pid)]
    back = [spent(undo, 1, reader.pid)]
    for _ in range(times - 1):
        first.append(spent(lambda: done.append(reader.do(path, fields)), 1, reader.pid))
        back.append(spent(undo, 1, reader.pid))
    for name, took in ((what, first), (f"{what}, undone", back)):
        clock = [each.clock[0] for each in took]
        processor = min(each.processor[0] for each in took)
        yield (
            name,
            f"{statistics.median(clock):.1f} (worst {max(clock):.1f}, processor {processor:.1f})",
        )


def _keys(page: str) -> list[str]:
    """Of the rows of a list."""
    return list(dict.fromkeys(_KEY.findall(page)))


def _spent(reader: Reading, get: partial[str] | object) -> str:
    assert callable(get)
    return str(spent(get, process=reader.pid))
