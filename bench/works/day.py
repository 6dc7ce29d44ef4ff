"""A day of a provider in fast motion (see :mod:`bench.day`), on every server that takes deliveries.

Everyone has signed in the day before, so that what is made at a first visit is not in the figures.
By night there are deliveries only; what they cost is a delivery's figure. By day clients poll while more
comes in, and a poll's figure is all that the server has used, divided by the polls: a server that does both
in one process cannot be asked for either alone. In the evening everyone who has mail collects it, and the
ledger is closed. Each server is started for this work alone and has the day once.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial

from bench.day.plan import Letter, Plan, Poll, make_plan
from bench.day.provider import Provider
from bench.figures import Figure, Finding, Note, Stopwatch
from bench.peers.contract import Mail, Peer
from bench.peers.cyrus import cyrus
from bench.peers.dovecot import dovecot
from bench.peers.pillarbox import pillarbox
from bench.peers.processes import CannotRun
from bench.works.common import FAILURES, settle

_Opener = Callable[[Mapping[str, Mail]], AbstractContextManager[Peer]]
_SERVERS: dict[str, _Opener] = {
    "Pillarbox": pillarbox,
    "Dovecot, fast": partial(dovecot, mode="fast"),
    "Cyrus": cyrus,
}


def day(
    accounts: int, polls: int, letters: int, without: Callable[[str], bool]
) -> Iterator[Finding]:
    """A day on each server, but for those that are done *without*."""
    plan = make_plan(accounts, polls, letters)
    users = dict.fromkeys(plan.users, Mail(0))
    for name, server in _SERVERS.items():
        if without(name):
            continue
        began = time.perf_counter()
        with contextlib.ExitStack() as opened:
            try:
                peer = opened.enter_context(server(users))
            except CannotRun as error:
                yield Note(_named(plan), name, str(error))
                continue
            try:
                yield from _day(peer, plan)
            except FAILURES as error:
                yield Note(_named(plan), name, f"failed: {error}", failed=True)
        print(f"day: {name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)


def _named(plan: Plan) -> str:
    return f"day of {len(plan.users):,} accounts"


def _day(peer: Peer, plan: Plan) -> Iterator[Finding]:
    provider = Provider(peer, plan)
    provider.spend(Poll(user, tls=False) for user in plan.users)
    provider.times[Poll].clear()
    settle(peer)
    yield _spent(provider, peer, plan.night, f"{_named(plan)}: delivery at night", Letter)
    yield _spent(provider, peer, plan.day, f"{_named(plan)}: poll, with deliveries", Poll)
    provider.spend(provider.evening())
    yield Note(
        _named(plan),
        peer.name,
        f"{provider.settled():,} letters collected, each once, whole, and by everyone it was for; "
        f"{provider.resumed:,} of {provider.handshakes:,} TLS handshakes resumed",
    )


def _spent(
    provider: Provider,
    peer: Peer,
    events: Iterable[Poll | Letter],
    work: str,
    kind: type[Poll | Letter],
) -> Figure:
    """What the server has used for *events*, for each of one *kind*; what it does behind the last
    answer counts, too, but not by the clock.
    """
    watch = Stopwatch(peer)
    began = time.perf_counter()
    provider.spend(events)
    wall = time.perf_counter() - began
    settle(peer)
    watch.laps += provider.times[kind]
    figure = watch.figure(work, len(provider.times[kind]))
    figure.per_second = len(provider.times[kind]) / wall
    return figure
