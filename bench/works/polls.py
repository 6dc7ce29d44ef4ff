"""A thousand clients that poll: what checking their credentials adds to a poll.

Two servers with the same users and mail: one checks, the other believes everybody. Each client
looks with the account's password and with a device's app password; all are warm, and
there is one worker, which has seen every password.

The difference is a few microseconds, less than the machine's moods: so turns are short and follow
each other closely, and each is compared with its neighbour. What is said of the difference is the
median over all such pairs, and within which bounds it lies 19 times of 20.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice

from bench.figures import Figure, Finding, Note, Stopwatch, middle
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.pillarbox import DEVICE, pillarbox
from bench.works.common import connect
from bench.works.lockstep import WIDTH, open_lockstep
from bench.works.mail import SMALL

_BATCH = 8
"""Times that :data:`WIDTH` clients poll in a turn."""
_RESAMPLED = 1000
"""Times that the pairs are drawn anew for the bounds (bootstrap)."""


@dataclass(frozen=True)
class _Way:
    """How everybody signs in, and where."""

    name: str
    peer: Peer
    passwords: Mapping[str, str]
    device: str = ""

    def login(self, user: str) -> str:
        return f"{user}+{self.device}" if self.device else user


def polls(clients: int, turns: int, rounds: int) -> Iterator[Finding]:
    """Connection, USER, PASS, STAT, UIDL, QUIT; so many *turns* of each way in a round."""
    users = {f"poller{number}": Mail(5, SMALL) for number in range(clients)}
    same = dict.fromkeys(users, PASSWORD)
    passwords: dict[str, str] = {}
    unneeded: dict[str, str] = {}
    with (
        pillarbox(users, module="pillarbox", devices=passwords, workers=1) as checking,
        pillarbox(users, module="bench.peers.unchecked", devices=unneeded, workers=1) as believing,
    ):
        ways = [
            _Way("unchecked", believing, same),
            _Way("password", checking, same),
            _Way("unchecked, device", believing, same, DEVICE),
            _Way("app password", checking, passwords, DEVICE),
        ]
        known = {way.name: {user: _listing(way, user) for user in users} for way in ways}
        for way in ways:  # what they opened is remembered from the second time on
            for user in users:
                _listing(way, user)
        groups = _groups(list(users))
        taken: dict[str, list[Figure]] = {way.name: [] for way in ways}
        for _ in range(rounds):
            for _ in range(turns):
                batch = [*islice(groups, _BATCH)]
                for way in ways:
                    taken[way.name].append(_turn(way, batch, known[way.name]))
            for way in ways:
                figure = middle(taken[way.name][-turns:])
                figure.peer = checking.name
                yield figure
        for unchecked, checked in (ways[:2], ways[2:]):
            added = _added(taken[unchecked.name], taken[checked.name])
            yield Note(f"poll of many clients: {checked.name}", checking.name, added)


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """:data:`WIDTH` users after the other, over and over."""
    places = len(names) - WIDTH + 1
    for first in count(0, WIDTH):
        yield names[first % places :][:WIDTH]


def _turn(way: _Way, groups: Sequence[Sequence[str]], known: Mapping[str, bytes]) -> Figure:
    watch = Stopwatch(way.peer)
    for group in groups:
        _poll(way, group, [known[user] for user in group])
        watch.lap(WIDTH)
    return watch.figure(f"poll of many clients: {way.name}", len(groups) * WIDTH)


def _added(unchecked: Sequence[Figure], checked: Sequence[Figure]) -> str:
    """What checking adds, in words."""
    pairs = [more.value - less.value for less, more in zip(unchecked, checked, strict=True)]
    draws = random.Random(1)
    drawn = sorted(statistics.median(draws.choices(pairs, k=len(pairs))) for _ in range(_RESAMPLED))
    whole = statistics.median(figure.value for figure in unchecked)
    bounds = drawn[_RESAMPLED // 40], drawn[-_RESAMPLED // 40]
    low, high = (f"{bound / whole:+.1%}" for bound in bounds)
    added = statistics.median(pairs)
    return (
        f"checking adds {added:.1f} µs, {added / whole:+.1%} ({low} to {high}, 19 times of 20; "
        f"{len(pairs)} pairs of turns of {_BATCH * WIDTH} polls)"
    )


def _listing(way: _Way, user: str) -> bytes:
    """What that user is told; from then on the server has seen the password."""
    client = connect(way.peer, tls=False)
    client.sign_in(way.login(user), way.passwords[user])
    reply = client.listing(b"UIDL")
    client.quit()
    if reply.count(b"\n") != 7:
        raise AssertionError("not five messages")
    return reply


def _poll(way: _Way, users: Sequence[str], listings: Sequence[bytes]) -> None:
    with open_lockstep(way.peer, len(users), tls=False) as together:
        together.sign_in(map(way.login, users), [way.passwords[user] for user in users])
        together.lines(b"STAT")
        together.exactly(b"UIDL\r\n", listings)
        together.lines(b"QUIT")
