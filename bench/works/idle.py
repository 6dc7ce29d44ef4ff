"""Sessions that do nothing: what memory each takes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import KILO, Figure, Finding, Note
from bench.peers.contract import Peer
from bench.works.common import FAILURES, CannotDo, named, settle, sign_in
from bench.works.mail import idlers

_FIRST = 8
"""Sessions before it counts: what the first ones cost once is no session's."""
_GLANCE = 50
"""Sessions between two looks at what the machine has left."""
_MEMORY_LEFT = 0.15
"""Of the machine's memory: a server with a process for each session may want more than there is."""
_PROCESSES_LEFT = 0.3
"""Of the process ids that the system has."""
_MOST_SECONDS = 240.0
"""To open all: no server ends an idle session sooner than after ten minutes."""


def idle(peer: Peer, sessions: int, *, tls: bool = False) -> Iterator[Finding]:
    """Sessions that have signed in to an empty maildrop and say nothing: PSS for each.

    It stops where the machine has no room for more, or the server takes no more, and says so.
    """
    work = named(f"{sessions:,} idle sessions", tls=tls)
    users = idlers(peer.users)[: _FIRST + sessions]
    until = time.monotonic() + _MOST_SECONDS
    count, stopped = 0, ""
    with contextlib.ExitStack() as opened:
        for user in users[:_FIRST]:
            opened.enter_context(sign_in(peer, user, tls=tls))
        before = peer.account.pss_bytes()
        for count, user in enumerate(users[_FIRST:]):
            stopped = "" if count % _GLANCE else _no_room(until)
            if stopped:
                break
            try:
                opened.enter_context(sign_in(peer, user, tls=tls))
            except FAILURES as error:
                stopped = f"the server took no more ({error})"
                break
        else:
            count = sessions
        if not count:
            raise CannotDo(stopped)
        after = peer.account.pss_bytes()
    settle(peer)
    yield Figure(work, peer.name, (after - before) / count / KILO, "kB")
    if stopped:
        yield Note(work, peer.name, f"of {count:,} sessions only: {stopped}")


def _no_room(until: float) -> str:
    """Why there should be no more sessions on this machine, if so."""
    memory = dict(line.split()[:2] for line in Path("/proc/meminfo").read_text().splitlines())
    if int(memory["MemAvailable:"]) < int(memory["MemTotal:"]) * _MEMORY_LEFT:
        return "the machine's memory came to its end"
    tasks = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    if tasks > most * (1 - _PROCESSES_LEFT):
        return "the machine's process numbers came to their end"
    if time.monotonic() > until:
        return f"opening them took more than {_MOST_SECONDS:.0f} seconds"
    return ""
