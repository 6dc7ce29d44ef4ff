"""Ways to make the lines of UIDL, of 100,000 messages. Results and conclusion: listings.md.

``python experiments/listings.py``: CPU time; medians of ROUNDS runs, in which the ways take turns.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pillarbox.model import Recipient, StoredForm
from pillarbox.server.transaction import PAGE
from pillarbox.store.embedded import open_store
from pillarbox.wire.listing_lines import listing_lines

ROUNDS = 9
COUNT = 100_000

SOURCE = "FROM messages WHERE maildrop = 1 AND seq BETWEEN ? AND ?"
ORDERED = f"FROM (SELECT seq, unique_id {SOURCE} ORDER BY seq)"
NUMBERED = """FROM (SELECT row_number() OVER (ORDER BY seq) + ?1 - 1 AS seq, unique_id
    FROM messages WHERE maildrop = 1 AND seq BETWEEN ?1 AND ?2)"""
JOINED = "seq || ' ' || unique_id || char(13, 10)"
PRINTED = "printf('%d %s' || char(13, 10), seq, unique_id)"

Way = Callable[[sqlite3.Connection, int], bytes]


def asked(sql: sqlite3.Connection, query: str, first: int) -> Any:
    return sql.execute(query, (first, first + PAGE - 1)).fetchall()


def rows(sql: sqlite3.Connection, first: int) -> bytes:
    found = asked(sql, f"SELECT seq, unique_id {SOURCE} ORDER BY seq", first)
    return "".join([f"{number} {unique_id}\r\n" for number, unique_id in found]).encode()


def lines(line: str, source: str, sql: sqlite3.Connection, first: int) -> bytes:
    ((text,),) = asked(sql, f"SELECT CAST(group_concat({line}, '') AS BLOB) {source}", first)
    return bytes(text)


def as_object(sql: sqlite3.Connection, first: int) -> bytes:
    query = f"SELECT CAST(json_group_object(seq, unique_id) AS BLOB) {SOURCE}"
    ((text,),) = asked(sql, query, first)
    lines = text.translate(bytes.maketrans(b":,", b" \n"), b'{}"')
    return bytes(lines.replace(b"\n", b"\r\n") + b"\r\n")


def column(source: str, sql: sqlite3.Connection, first: int) -> list[str]:
    ((text,),) = asked(sql, f"SELECT group_concat(unique_id, ' ') {source}", first)
    return str(text).split(" ")


def one_by_one(sql: sqlite3.Connection, first: int) -> bytes:
    said = enumerate(column(SOURCE, sql, first), first)
    return "".join([f"{number} {unique_id}\r\n" for number, unique_id in said]).encode()


def by_the_thousand(source: str, sql: sqlite3.Connection, first: int) -> bytes:
    return listing_lines(first, column(source, sql, first))


WAYS: dict[str, Way] = {
    "rows, lines by Python": rows,
    "lines by ||": partial(lines, JOINED, SOURCE),
    "lines by ||, order asked for": partial(lines, JOINED, ORDERED),
    "lines by ||, row_number()": partial(lines, JOINED, NUMBERED),
    "lines by printf()": partial(lines, PRINTED, SOURCE),
    "a JSON object, translated": as_object,
    "a column, numbers one by one": one_by_one,
    "a column, numbers by the thousand": partial(by_the_thousand, SOURCE),
    "the same, order asked for": partial(by_the_thousand, ORDERED),
}


async def fill(folder: Path) -> None:
    store = open_store(folder, shards=1)
    for _ in range(COUNT // 1000):
        await store.deliver(StoredForm(b"x\r\n", 3), [Recipient("big")] * 1000)
    await store.close()


def milliseconds(way: Way, sql: sqlite3.Connection) -> float:
    began = time.process_time()
    for first in range(1, COUNT + 1, PAGE):
        way(sql, first)
    return (time.process_time() - began) * 1e3


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "store"
        asyncio.run(fill(folder))
        sql = sqlite3.connect(next(folder.rglob("index.db")))
        figures: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                assert way(sql, 1) == rows(sql, 1)
                figures[name].append(milliseconds(way, sql))
        sql.close()
    for name, found in figures.items():
        print(f"{name:36} {statistics.median(found):6.1f} ms")


if __name__ == "__main__":
    main()
