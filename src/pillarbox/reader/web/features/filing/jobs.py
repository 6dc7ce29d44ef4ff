"""Imports that run, and those that have ended lately: a page asks for them by id.

Each has a thread of its own that ends with the program. What a killed one has added stays, and saying it again adds the rest.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import NotImportable
from pillarbox.reader.incoming import INCOMING, make
from pillarbox.reader.model import Folder, Imported, Progress
from pillarbox.reader.sentences import shown

KEPT = 20
"""Jobs whose outcome can still be looked at."""
MAX_TOLD = 100
"""Failures that are told one by one."""
_ID_OCTETS = 9

_log = logging.getLogger("pillarbox.reader")


@dataclass(slots=True)
class Job:
    """An import. Written by its thread, read by pages."""

    id: str
    into: Folder
    sources: int
    """How many there are."""
    over: int = 0
    """How many of them are done with."""
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    """Of the next one."""
    outcome: Imported = field(default_factory=Imported)
    problem: str = ""
    """Whole sentences; what was added stays."""
    done: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def percent(self) -> int:
        total = self.progress.total
        of_this = min(100, self.progress.done * 100 // total) if total else 0
        return min(100, (self.over * 100 + of_this) // max(1, self.sources))


class Jobs:
    """On the event loop, but for the work."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def find(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def room(self) -> Path:
        """A new folder for an upload; blocking.

        Raises:
            OSError: it cannot be made.
        """
        room = self._desk.preferences.folder / INCOMING / secrets.token_hex(_ID_OCTETS)
        make(room)
        return room

    def start(self, sources: Sequence[Path], into: Folder, room: Path | None) -> Job:
        """Import *sources*, each by itself: one that is no mail keeps the others from nothing. *room*: the folder that those are
        in which were sent; it is removed afterwards.
        """
        job = Job(secrets.token_urlsafe(_ID_OCTETS), into, len(sources))
        self._jobs[job.id] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)
        work = threading.Thread(
            target=self._run, args=(job, sources, room), name="import", daemon=True
        )
        work.start()
        return job

    def _run(self, job: Job, sources: Sequence[Path], room: Path | None) -> None:
        try:
            for source in sources:
                self._import(job, source, shown(source.name if room else str(source)))
        except PillarboxError as error:
            job.problem = str(error)
            if job.sources > 1:
                left = shown(sources[job.over].name)
                job.problem += f" Import {left} again, and the files after it."
        except Exception:  # noqa: BLE001 -- nobody waits for this thread: the page says it
            _log.exception("an import has failed")
            job.problem = (
                "Something in Pillarbox failed; what exactly is in its log. Import it again."
            )
        finally:
            if room is not None:
                shutil.rmtree(room, ignore_errors=True)
            job.done = True
            job.ended.set()

    def _import(self, job: Job, source: Path, name: str) -> None:
        """*name*: what the user calls it. Raises PillarboxError: the next ones would fare no better."""

        def report(progress: Progress) -> None:
            job.progress = progress

        try:
            now = self._desk.filing.bring_in(source, job.into, report)
        except NotImportable as error:
            why = str(error).removeprefix(shown(f"{source}: ")).removesuffix(".")
            now = job.progress.imported
            now = replace(now, failed=((name, why), *now.failed), failures=now.failures + 1)
        except Exception:
            self._count(job, job.progress.imported, name)
            raise
        self._count(job, now, name)
        job.progress = Progress(0, 0)
        job.over += 1

    def _count(self, job: Job, now: Imported, name: str) -> None:
        """Add what came of one source."""
        told = now.failed
        if job.sources > 1:
            told = tuple((_within(label, name), why) for label, why in told)
        before = job.outcome
        job.outcome = Imported(
            before.added + now.added,
            before.known + now.known,
            (before.failed + told)[:MAX_TOLD],
            before.failures + now.failures,
            before.deleted + now.deleted,
            _sum(before.elsewhere, now.elsewhere),
            _sum(before.within, now.within),
        )


def _sum(
    before: Iterable[tuple[Folder, int]], now: Iterable[tuple[Folder, int]]
) -> tuple[tuple[Folder, int], ...]:
    return tuple((Counter(dict(before)) + Counter(dict(now))).items())


def _within(label: str, name: str) -> str:
    """``the message at line 7`` says nothing if there are several files."""
    return label if label == name else f"{name}, {label}"
