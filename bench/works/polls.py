"""A thousand clients that poll: what checking their credentials adds to a poll.

Two servers with the same users and mail: one checks, the other believes everybody. Each client
looks with the account's password and with a device's app password; all are warm, and
there is one worker, which has seen every password. The rounds are
interleaved, so that the machine's moods hit all alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures import Figure, Stopwatch
from bench.peers.contract import PASSWORD, Mail, Peer
from bench.peers.pillarbox import DEVICE, pillarbox
from bench.works.common import connect
from bench.works.mail import SMALL

_BATCH = 250
"""Polls of one kind in a row: few, for the turns to follow closely."""


def polls(clients: int, rounds: int) -> Iterator[Figure]:
    """Connection, USER, PASS, STAT, UIDL, QUIT."""
    users = {f"poller{number}": Mail(5, SMALL) for number in range(clients)}
    passwords: dict[str, str] = {}
    unneeded: dict[str, str] = {}
    with (
        pillarbox(users, devices=passwords, workers=1) as checking,
        pillarbox(users, module="bench.peers.unchecked", devices=unneeded, workers=1) as believing,
    ):
        ways = {
            "unchecked": (believing, "", ""),
            "password": (checking, "", ""),
            "unchecked, device": (believing, DEVICE, PASSWORD),
            "app password": (checking, DEVICE, None),
        }
        names = list(users)
        for peer, device, secret in ways.values():
            for user in names:
                _poll(peer, user, device, secret or passwords[user] if device else PASSWORD)
        for first in range(0, rounds, _BATCH):
            for name, (peer, device, secret) in ways.items():
                watch = Stopwatch(peer)
                for number in range(first, first + _BATCH):
                    user = names[number % clients]
                    _poll(peer, user, device, secret or passwords[user] if device else PASSWORD)
                    watch.lap()
                figure = watch.figure(f"poll of many clients: {name}", _BATCH)
                figure.peer = checking.name
                yield figure


def _poll(peer: Peer, user: str, device: str, password: str) -> None:
    client = connect(peer, tls=False)
    client.sign_in(f"{user}+{device}" if device else user, password)
    client.command(b"STAT")
    if client.listing(b"UIDL").count(b"\n") != 7:
        raise AssertionError("not five messages")
    client.quit()
