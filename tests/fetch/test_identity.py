"""Ids for messages to which the server gives none that can be trusted."""

from __future__ import annotations

import pytest

from pillarbox.fetch.identity import LONGEST, identified, is_made, made_id, nameless
from pillarbox.fetch.stages import Listed

HEADER = b"Subject: x\r\nMessage-ID: <1@example.net>\r\n\r\n"


@pytest.mark.parametrize(
    ("unique_ids", "expected"),
    [
        ({1: "a", 2: "b", 3: "c"}, []),
        ({1: "a", 2: "a", 3: "c"}, [1, 2]),
        ({1: "a", 3: "c"}, [2]),
        ({1: "a", 2: "", 3: "c"}, [2]),
        ({}, [1, 2, 3]),
        ({1: "a", 2: "b" * 71, 3: "c"}, []),  # beyond RFC 1939, and seen
        ({1: "a", 2: "b" * LONGEST, 3: "b" * (LONGEST + 1)}, [3]),
        ({1: "a", 2: made_id(HEADER, 7), 3: "~c"}, [2]),  # a server that copies ours
        ({1: "a", 2: "a", 3: "a", 9: "c"}, [1, 2, 3]),
    ],
)
def test_which_ids_are_not_trusted(unique_ids: dict[int, str], expected: list[int]) -> None:
    assert nameless(unique_ids, (1, 2, 3)) == expected


def test_an_id_depends_on_header_and_size_and_on_nothing_else() -> None:
    assert made_id(HEADER, 7) == made_id(HEADER.replace(b"\r\n", b"\n") + b"\n", 7)
    assert len({made_id(HEADER, 7), made_id(HEADER, 8), made_id(HEADER, None)}) == 3
    assert made_id(HEADER, 7) != made_id(b"X" + HEADER, 7)
    assert is_made(made_id(HEADER, 7))
    assert len(made_id(HEADER, 7)) <= 70


def test_messages_that_look_the_same_are_counted() -> None:
    listing = identified(
        [(1, 7), (2, 7), (3, 9), (4, 7)], {3: "c"}, dict.fromkeys((1, 2, 4), HEADER)
    )
    made = made_id(HEADER, 7)
    assert listing == [
        Listed(1, made, 7),
        Listed(2, f"{made}.2", 7),
        Listed(3, "c", 9),
        Listed(4, f"{made}.3", 7),
    ]
    assert all(is_made(message.unique_id) for message in listing if message.number != 3)


def test_one_that_can_not_be_told_is_left_out() -> None:
    assert identified([(1, 7), (2, 7)], {1: "a"}, {}) == [Listed(1, "a", 7)]
