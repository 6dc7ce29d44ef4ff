"""What happens on the day: a pure function of a few numbers and a seed."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass
from typing import NamedTuple

from bench.peers.contract import DOMAIN

_EXPONENT = 0.8
"""Of Zipf's law: of 20,000 accounts the busiest then polls 3 % of all times, and half of the polls are
those of 1,000 accounts. With 1 it would poll so often that its sessions, which exclude each
other, would be what is measured."""
_TLS = 0.4
"""Of the accounts: their clients always use it."""
_TO_SEVERAL = 0.1
"""Of the letters; they go to three."""
_SEVERAL = 3
_OCTETS = (8.3, 1.0)
"""Logarithms: mean and deviation. Half of the letters are below 4 kB, one in a hundred above 40."""
_LEAST, _MOST = 500, 200_000
_NUMBER = re.compile(rb"^X-Letter: (\d+)\r$", re.MULTILINE)


class Poll(NamedTuple):
    """A client looks for mail, and takes what is there."""

    user: str
    tls: bool


@dataclass(frozen=True)
class Letter:
    """A message that comes in."""

    number: int
    users: tuple[str, ...]
    octets: int
    """About."""

    def text(self) -> bytes:
        """As it is sent: every line tells it from all others."""
        line = b"%08d: The quick brown fox jumps over the lazy dog, and is not thanked.\r\n"
        # With a date and an id: one server adds them where they are missing, behind all others.
        head = (
            f"From: a@{DOMAIN}\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
            f"Message-ID: <{self.number}@{DOMAIN}>\r\nSubject: letter {self.number}\r\n"
            f"X-Letter: {self.number}\r\n\r\n"
        )
        return head.encode() + line % self.number * (self.octets // len(line % 0) + 1)


class Plan(NamedTuple):
    """Of one day."""

    users: tuple[str, ...]
    night: tuple[Letter, ...]
    """Come before anybody polls."""
    day: tuple[Poll | Letter, ...]

    @property
    def letters(self) -> dict[int, Letter]:
        """By number."""
        events = (*self.night, *self.day)
        return {event.number: event for event in events if isinstance(event, Letter)}


def make_plan(accounts: int, polls: int, letters: int, seed: int = 1) -> Plan:
    """A day of so many accounts and polls; a third of the letters come at night."""
    chance = random.Random(seed)
    users = tuple(f"u{number:05}" for number in range(accounts))
    # Who polls often is not who gets much.
    pollers, receivers = (chance.sample(users, accounts) for _ in range(2))
    weights = list(itertools.accumulate((n + 1) ** -_EXPONENT for n in range(accounts)))

    def some(population: list[str], count: int) -> list[str]:
        return chance.choices(population, cum_weights=weights, k=count)

    written = [
        Letter(
            number,
            tuple(dict.fromkeys(some(receivers, _SEVERAL if chance.random() < _TO_SEVERAL else 1))),
            round(min(max(chance.lognormvariate(*_OCTETS), _LEAST), _MOST)),
        )
        for number in range(letters)
    ]
    night = letters // 3
    encrypted = {user for user in users if chance.random() < _TLS}
    day: list[Poll | Letter] = [Poll(user, user in encrypted) for user in some(pollers, polls)]
    day += written[night:]
    chance.shuffle(day)
    return Plan(users, tuple(written[:night]), tuple(day))


def number_in(message: bytes) -> int:
    """Which letter *message* is, as a server sends it.

    Raises:
        AssertionError: none.
    """
    found = _NUMBER.search(message)
    if found is None:
        raise AssertionError(f"not a letter of this day: {message[:200]!r}")
    return int(found[1])
