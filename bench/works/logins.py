"""Signing in, when passwords are kept as Argon2id hashes that cost something (64 MiB, three passes).

Clients that poll sign in with the same password again and again; who remembers a proof need not
compute it each time. (Dovecot's cache remembers what the hash is, and computes it again.) The servers are started for this work alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import argon2

from bench.figures import MILLI, Figure, Stopwatch
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.dovecot import dovecot
from bench.peers.pillarbox import pillarbox
from bench.peers.processes import CannotRun
from bench.works.common import connect
from pillarbox.auth.passwords import Argon2Parameters

_PASSES, _MEMORY_KIB = 3, 65_536
_USERS = {f"poller{number}": Mail(0) for number in range(4)}
_WARM = 12
"""Sign-ins of each user before it counts: every worker knows the password then."""


def logins(sign_ins: int, rounds: int) -> Iterator[Figure]:
    """USER, PASS and QUIT of clients that poll, on each server that takes part, in turn; so many
    *sign_ins* a round.
    """
    verifier = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
    kept = "{ARGON2ID}" + verifier.hash(PASSWORD)
    ours = Argon2Parameters(time_cost=_PASSES, memory_kib=_MEMORY_KIB)
    with ExitStack() as opened:
        peers = [opened.enter_context(pillarbox(_USERS, ours, module="pillarbox"))]
        for mode in ("fast", "default"):
            try:
                peers.append(opened.enter_context(dovecot(_USERS, mode, kept)))
            except CannotRun:  # said already
                break
        for peer in peers:
            for user in [*_USERS] * (_WARM if peer is peers[0] else 1):
                _sign_in(peer, user)
        for _ in range(rounds):
            for peer in peers:
                # Where each costs a hash a tenth of them says it.
                yield _poll(peer, sign_ins if peer is peers[0] else max(sign_ins // 10, 8))


def _poll(peer: Peer, sign_ins: int) -> Figure:
    users = list(_USERS)
    watch = Stopwatch(peer)
    for number in range(sign_ins):
        _sign_in(peer, users[number % len(users)])
        watch.lap()
    return watch.figure("polling clients, Argon2id (64 MiB, t=3)", sign_ins, "ms", MILLI)


def _sign_in(peer: Peer, user: str) -> None:
    client = connect(peer, tls=False)
    client.sign_in(user)
    client.quit()
