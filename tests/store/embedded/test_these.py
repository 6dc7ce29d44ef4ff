"""What is deleted is what was named, and nothing in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing

import pytest

from pillarbox.store.embedded.these import all_of, these


@pytest.mark.parametrize(
    "seqs",
    [[], [4], [2, 3, 4], {4, 3, 2}, [1, 9], [9, 1, 5], [1, 1, 3], [3, 1, 1], [2, 2, 3], [10, 11]],
    ids=str,
)
def test_these_and_no_others(seqs: Collection[int]) -> None:
    """Also when one is named twice, and there are as many as a run would have."""
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.execute("CREATE TABLE messages (maildrop, seq)")
        sql.executemany(
            "INSERT INTO messages VALUES (?, ?)",
            [(box, seq) for box in (7, 8) for seq in range(10)],
        )

        def found(condition: str, values: dict[str, object]) -> list[tuple[int, int]]:
            return sql.execute(f"SELECT * FROM messages AS m WHERE {condition}", values).fetchall()

        assert sorted(found(*these(7, seqs))) == [(7, seq) for seq in range(10) if seq in seqs]
        assert sorted(found(*all_of(8))) == [(8, seq) for seq in range(10)]
