"""A thousand clients that poll: what checking their credentials adds to a poll.

Two servers with the same users and mail: one checks, the other believes everybody. Each client
looks with the account's password and with a device's app password; all are warm, and
there is one worker, which has seen every password. The rounds are
interleaved, so that the machine's moods hit all alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Figure, Stopwatch
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.pillarbox import DEVICE, pillarbox
from bench.works.common import connect
from bench.works.lockstep import WIDTH, open_lockstep
from bench.works.mail import SMALL

_BATCH = 32
"""Times that :data:`WIDTH` clients poll in a row: few, for the turns to follow closely."""


@dataclass(frozen=True)
class _Way:
    """How everybody signs in, and where."""

    name: str
    peer: Peer
    passwords: Mapping[str, str]
    device: str = ""

    def login(self, user: str) -> str:
        return f"{user}+{self.device}" if self.device else user


def polls(clients: int, rounds: int) -> Iterator[Figure]:
    """Connection, USER, PASS, STAT, UIDL, QUIT."""
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
        names = list(users)
        groups = [names[first : first + WIDTH] for first in range(0, clients - WIDTH + 1, WIDTH)]
        for first in range(0, rounds, _BATCH * WIDTH):
            for way in ways:
                watch = Stopwatch(way.peer)
                for number in range(_BATCH):
                    group = groups[(first // WIDTH + number) % len(groups)]
                    _poll(way, group, [known[way.name][user] for user in group])
                    watch.lap(WIDTH)
                figure = watch.figure(f"poll of many clients: {way.name}", _BATCH * WIDTH)
                figure.peer = checking.name
                yield figure


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
