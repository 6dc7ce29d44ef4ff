"""Progress on the terminal, while the index is made."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from pillarbox.reader.contracts import Report
from pillarbox.reader.model import Progress


class Given(Exception):
    """The user has ended it: whoever reports progress is to stop."""


def stoppable(report: Report, stop: Event) -> Report:
    """*report*, until *stop* is set: then who reports is ended by :class:`Given`."""

    def reporting(progress: Progress) -> None:
        if stop.is_set():
            raise Given
        report(progress)

    return reporting


@contextmanager
def bar(title: str) -> Iterator[Report]:
    """A bar on stderr, if that is a terminal; it goes when it is done. Told from any thread."""
    from rich.console import Console  # noqa: PLC0415 -- costs more than what needs no bar
    from rich.progress import (  # noqa: PLC0415 -- the same
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415 -- the same

    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bars:
        task = bars.add_task(title, total=None)

        def report(progress: Progress) -> None:
            bars.update(
                task,
                description=progress.what or title,
                completed=progress.done,
                total=progress.total or None,
            )

        yield report
