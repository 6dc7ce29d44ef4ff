"""Imports that run, and those that have ended lately: a page asks for them by id.

Each has a thread of its own that ends with the program. What a killed one has added stays, and saying it again adds the rest.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.desk import Desk
from pillarbox.reader.incoming import INCOMING, make
from pillarbox.reader.model import Folder, Imported, Progress

KEPT = 20
"""Jobs whose outcome can still be looked at."""
_ID_OCTETS = 9

_log = logging.getLogger("pillarbox.reader")


@dataclass(slots=True)
class Job:
    """An import. Written by its thread, read by pages."""

    id: str
    into: Folder
    progress: Progress = field(default_factory=lambda: Progress(0, 0))
    outcome: Imported = field(default_factory=Imported)
    problem: str = ""
    """Whole sentences; what was added stays."""
    done: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def percent(self) -> int:
        total = self.progress.total
        return min(100, self.progress.done * 100 // total) if total else 0


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
        """Import *sources*, one after the other; *room* is removed afterwards."""
        job = Job(secrets.token_urlsafe(_ID_OCTETS), into)
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
                self._import(job, source)
        except PillarboxError as error:
            job.problem = str(error)
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

    def _import(self, job: Job, source: Path) -> None:
        """Raises PillarboxError."""
        before = job.outcome

        def report(progress: Progress) -> None:
            job.progress = progress

        now = self._desk.filing.bring_in(source, job.into, report)
        job.outcome = Imported(
            before.added + now.added,
            before.known + now.known,
            before.failed + now.failed,
            before.failures + now.failures,
            before.deleted + now.deleted,
        )
