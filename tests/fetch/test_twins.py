"""Messages that are here under another id: when they count as the same, and when not."""

from __future__ import annotations

import pytest

from pillarbox.fetch.twins import NO_TWINS, Twins

MADE, ALSO_MADE = "~" + "a" * 64, "~" + "b" * 64
SAME, OTHER = b"same", b"other"

# What is stored, what is listed, which id and digest come; whether it is here.
CASES = [
    ({MADE: SAME}, {"new"}, "new", SAME, MADE),
    ({MADE: SAME}, {"new"}, "new", OTHER, None),
    ({"old": SAME}, {MADE}, MADE, SAME, "old"),
    ({MADE: SAME}, {ALSO_MADE}, ALSO_MADE, SAME, MADE),
    # It is in the listing by itself: this is another one, however alike.
    ({MADE: SAME}, {"new", MADE}, "new", SAME, None),
    ({"old": SAME}, {"old", MADE}, MADE, SAME, None),
    # Both ids are the server's: it says that they are two.
    ({"old": SAME}, {"new"}, "new", SAME, None),
]


@pytest.mark.parametrize(("stored", "listed", "unique_id", "digest", "twin"), CASES)
def test_twin(
    stored: dict[str, bytes], listed: set[str], unique_id: str, digest: bytes, twin: str | None
) -> None:
    assert Twins(stored, listed).claim(unique_id, digest) == twin


def test_each_is_claimed_once() -> None:
    """Two messages that are alike were stored as two."""
    twins = Twins({MADE: SAME}, {"new", "newer"})
    assert [twins.claim(name, SAME) for name in ("new", "newer")] == [MADE, None]


def test_as_many_as_there_are() -> None:
    twins = Twins({MADE: SAME, ALSO_MADE: SAME}, {"new", "newer"})
    assert {twins.claim(name, SAME) for name in ("new", "newer")} == {MADE, ALSO_MADE}


def test_no_twins() -> None:
    assert NO_TWINS.claim(MADE, SAME) is None
