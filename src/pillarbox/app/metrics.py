"""Counting for Prometheus, over all workers.

A worker adds up in a plain dict (the cost of a session is well under a microsecond a
count) and writes the sums once a second, with its heartbeat, into files of
prometheus-client's multiprocess mode; the health page's process adds the files up. A
worker that is killed takes at most its last second of counts with it. Files are named by
the worker's column in the shared table, not by process id: a replaced worker goes on
counting in its predecessor's file, so totals never fall and files do not pile up.

The library writes through a memory map, and a map whose file has no room on the disk ends
the process (SIGBUS). So a file gets all the room it can ever need before it is mapped: on
a full disk nothing is counted, and mail goes on.

Names follow the Prometheus conventions (base units, ``_total``). What is true *now*
(open connections, workers) comes from the shared table, see :mod:`.monitor`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Counter, values

from pillarbox.contracts.meter import Meter

ROOM_OCTETS = 1 << 20
"""Size of a worker's file: enough for all series there can be (see ``MAX_SERIES``)."""

_log = structlog.get_logger("pillarbox.metrics")

# Labels come from small vocabularies; should one ever follow a client's words, memory
# stays bounded and the rest is counted together.
MAX_SERIES = 1000
_OTHER = "other"


class _Name(NamedTuple):
    name: str
    labels: tuple[str, ...]
    help: str


_CONNECTIONS = _Name("pillarbox_connections", ("door",), "POP3 connections accepted")
_SESSIONS = _Name("pillarbox_sessions", ("door", "reason"), "POP3 sessions ended, by why")
_RETRIEVED = _Name("pillarbox_messages_retrieved", ("door",), "Messages sent by RETR")
_OCTETS = _Name("pillarbox_retrieved_bytes", ("door",), "Octets of the messages sent by RETR")
_DELETED = _Name(
    "pillarbox_messages_deleted", ("door",), "Messages deleted by QUIT, each by one device"
)
_REFUSED = _Name(
    "pillarbox_connections_refused", ("door", "reason"), "Connections turned away, by why"
)
_SIGN_INS = _Name("pillarbox_sign_ins", ("mechanism", "outcome"), "Sign-ins answered")
_DELAYED = _Name(
    "pillarbox_sign_ins_delayed", ("by",), "Sign-ins that had to wait, by what was held against"
)
_DELIVERIES = _Name(
    "pillarbox_deliveries", ("door", "outcome"), "Recipients of incoming messages answered"
)
_DELIVERED = _Name(
    "pillarbox_delivered_bytes", ("door", "outcome"), "Octets of incoming messages, by recipient"
)
_SWEEPS = _Name("pillarbox_retention_sweeps", ("outcome",), "Times that retention was applied")
# With a label each: what has none the library writes at once, before its file has got its room.
_REMOVED = _Name("pillarbox_messages_removed", ("reason",), "Messages that went by themselves")
_REMOVED_OCTETS = _Name("pillarbox_removed_bytes", ("reason",), "Octets of those messages")
_RELEASED = _Name("pillarbox_views_released", ("reason",), "Devices that mail waits for no more")
_ALL = (
    _CONNECTIONS,
    _SESSIONS,
    _RETRIEVED,
    _OCTETS,
    _DELETED,
    _REFUSED,
    _SIGN_INS,
    _DELAYED,
    _DELIVERIES,
    _DELIVERED,
    _SWEEPS,
    _REMOVED,
    _REMOVED_OCTETS,
    _RELEASED,
)
_Series = tuple[_Name, str, str]


class PrometheusMeter(Meter):
    """A worker's meter: counts now, writes at :meth:`flush`."""

    def __init__(self, folder: Path, column: int) -> None:
        """Count into *folder*, which all workers share; *column* is this worker's own number."""
        self._file = folder / f"counter_{column}.db"  # as the library will name it
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        # The library would decide at its import, by environment; a worker knows better.
        values.ValueClass = values.MultiProcessValue(lambda: column)  # type: ignore[no-untyped-call]  # the library's
        registry = CollectorRegistry()
        self._counters = {
            name: Counter(name.name, name.help, name.labels, registry=registry) for name in _ALL
        }
        self._children: dict[_Series, Counter] = {}
        self._counts: defaultdict[_Series, int] = defaultdict(int)
        self._failing = False

    def session_began(self, door: str) -> None:
        self._counts[_CONNECTIONS, door, ""] += 1

    def session_ended(
        self, door: str, reason: str, *, retrieved: int, octets: int, deleted: int
    ) -> None:
        counts = self._counts
        counts[_SESSIONS, door, reason] += 1
        if retrieved:
            counts[_RETRIEVED, door, ""] += retrieved
            counts[_OCTETS, door, ""] += octets
        if deleted:
            counts[_DELETED, door, ""] += deleted

    def connection_refused(self, door: str, reason: str) -> None:
        self._counts[_REFUSED, door, reason] += 1

    def signed_in(self, mechanism: str, outcome: str) -> None:
        self._counts[_SIGN_INS, mechanism, outcome] += 1

    def sign_in_delayed(self, by: str) -> None:
        self._counts[_DELAYED, by, ""] += 1

    def delivered(self, door: str, outcome: str, octets: int) -> None:
        self._counts[_DELIVERIES, door, outcome] += 1
        self._counts[_DELIVERED, door, outcome] += octets

    def swept(self, outcome: str, *, messages: int = 0, octets: int = 0, absent: int = 0) -> None:
        counts = self._counts
        counts[_SWEEPS, outcome, ""] += 1
        if messages:
            counts[_REMOVED, "retention", ""] += messages
            counts[_REMOVED_OCTETS, "retention", ""] += octets
        if absent:
            counts[_RELEASED, "absent", ""] += absent

    def flush(self) -> None:
        """Write what has been counted since the last time. Never raises."""
        if not self._counts:
            return
        counts, self._counts = self._counts, defaultdict(int)
        try:
            if not self._children:
                _reserve(self._file)
            for series, count in counts.items():
                self._child(series).inc(count)
        except (OSError, ValueError) as error:
            # The folder's disk is full, or somebody removed it: mail goes on uncounted.
            if not self._failing:
                _log.error("metrics cannot be written", error=str(error))
            self._failing = True

    def _child(self, series: _Series) -> Counter:
        child = self._children.get(series)
        if child is None:
            name, *labels = series
            if len(self._children) >= MAX_SERIES:
                labels = [_OTHER] * len(labels)
                return self._counters[name].labels(*labels[: len(name.labels)])
            child = self._counters[name].labels(*labels[: len(name.labels)])
            self._children[series] = child
        return child


def _reserve(file: Path) -> None:
    """Make *file*, with its room on the disk, unless a predecessor has.

    It gets its name when it is whole: the health page may read it at any moment.

    Raises:
        OSError: there is no room.
    """
    if not file.exists():
        draft = file.with_suffix(".new")
        draft.write_bytes(bytes(ROOM_OCTETS))
        draft.replace(file)
