"""How often the octets of a body go into fresh memory on their way out, and how much that takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.work.conftest import Within
from tests.work.copies import LEAST, Copies
from tests.work.judging import Spent
from tests.work.office import Visitor, open_office, poll, put

pytestmark = pytest.mark.usefixtures("no_collection", "no_turns")

INLINE = 100_000
"""Octets of a body that the index keeps."""
LARGE = 5_000_000
"""Of one that is a file."""


@pytest.mark.parametrize(
    ("octets", "what"), [(INLINE, "RETR of 100 kB"), (LARGE, "RETR of 5 MB")], ids=["100kB", "5MB"]
)
async def test_retr(octets: int, what: str, tmp_path: Path, within: Within) -> None:
    async with open_office(tmp_path) as office:
        await put(office.store, 2, octets)
        await poll(office.pop3)
        visitor = await Visitor(office.pop3).signed_in()
        await visitor.ask(b"RETR 1", long=True)
        with Copies() as copies:
            sent = await visitor.ask(b"RETR 2", long=True)
        assert sent > octets
    within(
        Spent(f"{what}: copies", round(copies.octets.total() / octets, 1), copies.octets),
        Spent(f"{what}: peak of memory, kB", round(copies.peak / 1000)),
    )


async def test_retr_in_one_write_with_others(tmp_path: Path, within: Within) -> None:
    """Small bodies that are asked for in one write leave in one."""
    async with open_office(tmp_path) as office:
        await put(office.store, 10, 4000)
        await poll(office.pop3)
        visitor = await Visitor(office.pop3).signed_in()
        await visitor.ask(b"RETR 1", long=True)
        asked = b"".join(b"RETR %d\r\n" % number for number in range(1, 11))
        with Copies() as copies:
            visitor.transport.client_sends(asked)
        assert visitor.transport.octets > 40_000
    joined = Spent(
        "10 times RETR of 4 kB in a write: copies", round(copies.octets.total() / 40_000, 1)
    )
    within(joined._replace(parts=copies.octets))


def test_a_copy_counts_wherever_it_is_made() -> None:
    """The count itself: each copy once, and what is small not at all."""
    body = bytes(10 * LEAST)

    def joined(*pieces: bytes) -> bytes:
        return b"".join(pieces)

    with Copies() as copies:
        first = joined(body, b"x")
        second = joined(first[1:], b"x")
        small = joined(b"x" * 100, b"y")
    assert len(first) == len(second) == len(body) + 1
    assert small
    assert round(copies.octets.total() / len(body), 1) == 3.0
    assert isinstance(copies.octets, Counter)
    assert round(copies.peak / len(body), 1) == 3.0
