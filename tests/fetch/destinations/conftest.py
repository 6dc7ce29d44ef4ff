"""Destinations of each kind, at work for one owner."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pillarbox.fetch.destinations import Destination, Owner, parse_destination
from pillarbox.fetch.errors import DeliveryRefused


class Desk:
    """Opens destinations, again and again, as runs do."""

    def __init__(self, folder: Path) -> None:
        self.mail = folder / "mail"
        self.owner = Owner("0a1b2c3d", folder / "spool", "alice")

    def target(self, kind: str) -> str:
        return f"{kind}:{self.mail}"

    def open(self, kind: str, owner: Owner | None = None) -> Destination:
        return parse_destination(self.target(kind)).open(owner or self.owner)

    def ready(self, kind: str) -> Destination:
        destination = self.open(kind)
        destination.prepare()
        return destination


def staged(destination: Destination, *messages: bytes, size: int = 1 << 30) -> list[str]:
    """Stage and sync *messages*, written in pieces of *size*; returns their tokens."""
    stagings, tokens = [], []
    for message in messages:
        staging = destination.stage()
        for start in range(0, len(message), size):
            staging.write(message[start : start + size])
        tokens.append(staging.finish())
        stagings.append(staging)
    destination.sync(stagings)
    return tokens


def stored(
    destination: Destination, messages: Iterable[bytes], size: int = 1 << 30
) -> list[DeliveryRefused | None]:
    """Stage, sync and publish."""
    return list(destination.publish(staged(destination, *messages, size=size)))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
