"""One run: every work by every server, in turn."""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from bench.figures import Figure, Finding, Note
from bench.peers.contract import Peer
from bench.peers.courier import courier
from bench.peers.cyrus import cyrus
from bench.peers.dovecot import dovecot
from bench.peers.limit import limit
from bench.peers.limit_in_c import limit_in_c
from bench.peers.pillarbox import pillarbox
from bench.peers.processes import CannotRun
from bench.works.common import FAILURES, CannotDo
from bench.works.mail import maildrops
from bench.works.plan import Work, apart, plan

_OPEN_FILES = 65_536
"""More than ten thousand sessions take of one process, where a server keeps two for each."""


@dataclass
class Result:
    """What was found."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    servers: list[tuple[str, str]] = field(default_factory=list)
    """Name and version."""

    def add(self, findings: Iterable[Finding]) -> None:
        for found in findings:
            if isinstance(found, Figure):
                self.figures.append(found)
            elif found not in self.notes:  # each round says the same
                self.notes.append(found)


def measure(share: float, times: int, only: str, without: Callable[[str], bool]) -> Result:
    """Those works whose names hold *only*, so many *times*, but for the servers to do *without*."""
    _lift_open_files()
    result = Result()
    works = [work for work in plan(share) if only in work.name]
    if works:
        with _open_peers(share, without, result.notes) as peers:
            result.servers = [(peer.name, peer.version) for peer in peers]
            result.add(rounds(peers, works, times))
    for name, work in apart(share, times, without).items():
        if only in name:
            result.add(_timed(name, work()))
    return result


@contextmanager
def _open_peers(
    share: float, without: Callable[[str], bool], notes: list[Note]
) -> Iterator[list[Peer]]:
    """Every server that can be run here, ours first; *notes* gets which cannot, and why."""
    mail = maildrops(share)
    with ExitStack() as opened:
        ours = opened.enter_context(pillarbox(mail))
        peers = [ours, opened.enter_context(limit(ours))]
        others: dict[str, Callable[[], AbstractContextManager[Peer]]] = {
            "limit: C": partial(limit_in_c, ours),
            "Dovecot, fast": partial(dovecot, mail, "fast"),
            "Dovecot, default": partial(dovecot, mail, "default"),
            "Courier": partial(courier, mail),
            "Cyrus": partial(cyrus, mail),
        }
        for name, server in others.items():
            if without(name):
                continue
            try:
                peers.append(opened.enter_context(server()))
            except CannotRun as error:
                notes.append(Note("all", name, str(error)))
                print(f"without {name}: {error}", file=sys.stderr)
        yield peers


def rounds(peers: Sequence[Peer], works: Sequence[Work], times: int) -> Iterator[Finding]:
    """Every work by every server in turn, and again, so that the machine's moods hit all alike."""
    for number in range(times):
        for work in works:
            # Who comes first changes: each follows each.
            turned = [*peers[number % len(peers) :], *peers[: number % len(peers)]]
            for peer in turned:
                if not work.suits(peer) or (work.once and number):
                    continue
                began = time.perf_counter()
                try:
                    found = work.run(peer)
                    yield from [found] if isinstance(found, Figure) else found
                    done = f"{time.perf_counter() - began:.1f} s"
                except CannotDo as error:
                    done = str(error)
                    yield Note(work.name, peer.name, done)
                except FAILURES as error:
                    done = f"failed: {error}"
                    yield Note(work.name, peer.name, done, failed=True)
                print(f"round {number + 1}: {work.name}: {peer.name}: {done}", file=sys.stderr)


def _timed(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    began = time.perf_counter()
    yield from findings
    print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def _lift_open_files() -> None:
    """As many as may be, for the driver and the servers that it starts: a session is one in each."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for files in (max(hard, _OPEN_FILES), hard):
        with contextlib.suppress(ValueError, OSError):  # only root may go beyond the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
            return
