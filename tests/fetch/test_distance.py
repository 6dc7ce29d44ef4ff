"""Five hundred messages from a server that is 40 ms away: what counts is how often one waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.events import Totals
from pillarbox.fetch.run import Outcome, run
from tests.distance import ONE_WAY, far_away
from tests.postoffice import HOST, PASSWORD, Address
from tests.realservers.choice import OPENERS, opener
from tests.realservers.server import Way

MESSAGES = 500
OCTETS = 4_000
ROUND_TRIPS = 20
"""Handshakes (TCP, STLS, TLS: 3), CAPA twice, SCRAM (3), LIST with UIDL, the first batch with a
window that doubles (5), the second one, the proof that the last message came whole, DELE, QUIT:
18 for a server with all of them, and two to spare."""


def letters() -> list[bytes]:
    body = b"It is a long way, and the letters are many.\n" * (OCTETS // 44)
    return [b"Subject: letter %d\n\n" % number + body for number in range(MESSAGES)]


async def collect(way: Way, folder: Path) -> tuple[Outcome, int, float]:
    """Collect and delete all; the outcome, the round trips, and the seconds that it took."""
    async with far_away(Address(HOST, way.endpoint.port)) as distance:
        endpoint = way.endpoint._replace(port=distance.address.port)
        target = parse_destination(f"maildir:{folder / 'Mail'}")
        account = Account("far", endpoint, target, password=PASSWORD, tls=way.tls)
        began = time.perf_counter()
        done = await run(account, folder / "state")
        wall = time.perf_counter() - began
    return done, distance.round_trips, wall


@pytest.mark.parametrize("name", OPENERS)
def test_five_hundred_messages(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with opener(name)() as server:
        server.put(letters())
        done, round_trips, wall = asyncio.run(collect(server.way(), tmp_path))
    assert done == Outcome(Totals(MESSAGES, done.totals.octets, deleted=MESSAGES))
    assert round_trips <= ROUND_TRIPS
    record_property(
        "measured",
        f"{MESSAGES} messages of {name} at {2000 * ONE_WAY:.0f} ms: {round_trips} round trips, "
        f"{wall:.2f} s",
    )
