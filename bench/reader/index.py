"""What a page asks of the index, and looks at the disk after something has changed there: in this process."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.reader.mail import FOLDERS
from bench.reader.spent import pss, spent
from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import Folder, Page

TYPED = (
    "m",
    "me",
    "mee",
    "meet",
    "meeting",
    "meeting b",
    "meeting budget rev",
    "the",
    "the mess",
    "t",
    "re",
    "inv",
    '"please review"',
    "from:ann",
    "from:person12",
    "to:person7 report",
    "subject:plan",
    "has:attachment",
    "has:attachment invoice",
    "is:unread",
    "is:unread the",
    "is:flagged",
    "before:2018-01-01 the",
    "newer:30d the",
    "larger:50k",
    "in:projects the",
    "in:sent from:nobody",
    "-the",
    "the -of",
    "strasse",
    "京都",
    "請",
    "отчёт",
    "filename:report",
    "xyzzy",
    "word29999",
)


LARGEST = Folder("Inbox/work")
_MANY = 1_000
"""Messages that come at once."""

Finding = tuple[str, str]
"""What, and how much."""


def measure(root: Path) -> Iterator[Finding]:
    """Of the library in the folder *root*, which has an index."""
    began = time.perf_counter()
    index, survey, close = open_index(root, Maildirs(Tree(root / "mail")))
    everywhere = [LARGEST, Folder("Inbox/home")]
    index.page(everywhere, 0, 50)
    index.counts()
    yield "open, first list and counts", f"{(time.perf_counter() - began) * 1000:.1f}"
    total = index.page([LARGEST], 0, 1).total
    for first in (0, total // 2, total - 50):
        yield (
            f"page of {total:,} threads at {first:,}",
            str(spent(partial(index.page, [LARGEST], first, 50))),
        )
    found = index.page(everywhere, 0, 50)
    yield (
        f"page of all inboxes ({found.total:,} threads)",
        str(spent(lambda: index.page(everywhere, 0, 50))),
    )
    yield "a thread", str(spent(lambda: index.thread(found.rows[7].key)))
    yield "an address completed", str(spent(lambda: index.correspondents("per", 10)))
    clock: list[float] = []
    processor: list[float] = []
    for typed in TYPED:
        search = partial(_searched, index, typed)
        took = spent(search)
        clock += took.clock
        processor.append(min(took.processor))
        hits = search()
        yield f"search {typed}", f"{took}, {hits.total}{'+' if hits.more else ''} hits"
    yield "all searches: median, 95 %, worst", _summed_up(clock)
    yield "of these, processor time: median, 95 %, worst", _summed_up(processor)
    yield "memory (PSS), MB", f"{pss() / 1e6:.0f}"
    key = found.rows[0].key
    entry = index.entry(key)
    assert entry is not None
    yield "mark one message", str(spent(lambda: index.place([(key, entry)])))

    def look() -> None:
        survey.look(list(FOLDERS))

    look()
    yield "look when nothing has changed", str(spent(look))
    cur = root / "mail" / LARGEST / "cur"
    os.utime(cur)
    yield f"look when {LARGEST} has another time, and nothing else", str(spent(look, 1))
    for many in (1, _MANY):
        come = _come(cur, many)
        yield f"look after {many:,} new messages there", str(spent(look, 1))
        for path in come:
            path.unlink()
        yield f"look after {many:,} are gone from there", str(spent(look, 1))
    yield "memory after that, MB", f"{pss() / 1e6:.0f}"
    close()


def _searched(index: SqliteIndex, typed: str) -> Page:
    """And where it was found, for each row."""
    found = index.search(typed, 0, 50, within=())
    index.hits(typed, [row.key for row in found.rows])
    return found


def _come(cur: Path, many: int) -> list[Path]:
    """Copies of messages, as if they had come."""
    there = sorted(cur.iterdir())[-many:]
    now = int(time.time())
    come = [cur / f"{now}.M{number}P2.bench:2,S" for number in range(many)]
    for old, new in zip(there, come, strict=True):
        shutil.copyfile(old, new)
    return come


def _summed_up(times: list[float]) -> str:
    return f"{statistics.median(times):.1f}, {statistics.quantiles(times, n=20)[-1]:.1f}, {max(times):.1f}"
