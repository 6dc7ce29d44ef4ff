"""The bench of the cluster: its driver, its arithmetic, and all of it once, small."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from bench.accounting import FamilyAccount
from bench.cluster.driving import Cost, Operation, Seat, Work, drive
from bench.cluster.found import Found, middle
from bench.cluster.letters import letter
from bench.cluster.mail import EMPTY, Lot
from bench.cluster.page import page
from bench.cluster.places import DATABASE, NODES, OBJECTS, Place
from bench.cluster.rounds import Scale, measure
from bench.cluster.spent import CORES, DRIVER
from bench.cluster.wiretap import Said
from bench.cluster.works import WORKS

NOWHERE = Place("nowhere", (1, 2), (3, 4), {NODES: [FamilyAccount()]})
COST = Cost(
    "work",
    "1 node",
    1,
    16,
    100,
    500.0,
    2.0,
    9.0,
    {NODES: 1000.0, DATABASE: 500.0, DRIVER: 9.0},
    1.0,
)


def work(operation: Callable[[Seat], None], seats: int = 3) -> Work:
    @contextmanager
    def begin(seat: Seat) -> Iterator[Operation]:
        yield lambda: operation(seat)

    return Work("work", begin, EMPTY, seats, warm=2)


def test_what_comes_before_does_not_count() -> None:
    done: list[int] = []
    cost = drive(NOWHERE, work(lambda seat: done.append(seat.number)), 0)
    assert len(done) == 3 * (2 + 1)  # each does one at least
    assert cost.operations == 3
    assert cost.nodes == 2
    assert set(cost.cpu) == {NODES, DRIVER}


def test_clients_are_spread_over_the_nodes() -> None:
    assert [Seat(NOWHERE, number).pop3 for number in range(3)] == [1, 2, 1]
    assert [Seat(NOWHERE, number).lmtp for number in range(3)] == [3, 4, 3]


def test_a_client_that_fails_ends_the_work() -> None:
    def fail(seat: Seat) -> None:
        if seat.number == 1:
            raise AssertionError("a short listing")

    with pytest.raises(AssertionError, match="a short listing"):
        drive(NOWHERE, work(fail), 3600)


def test_no_two_clients_have_the_same_user() -> None:
    lot = Lot(tuple("abcdef"))
    assert [lot.of(seat, 4) for seat in range(4)] == [("a", "e"), ("b", "f"), ("c",), ("d",)]


@pytest.mark.parametrize(
    ("cost", "scarce"),
    [
        (replace(COST, idle=0.05 * CORES), "cores of the machine"),
        (replace(COST, per_second=950.0), "cores of the nodes: one each"),
        (replace(COST, per_second=950.0, nodes=2), "time: all wait for a disk or each other"),
        (COST, "time: all wait for a disk or each other"),
    ],
)
def test_what_there_was_no_more_of(cost: Cost, scarce: str) -> None:
    assert cost.scarce == scarce


def test_many_rounds_are_their_median() -> None:
    rounds = [replace(COST, per_second=each, cpu={NODES: each}) for each in (1.0, 5.0, 2.0)]
    found = middle(rounds)
    assert (found.per_second, found.cpu[NODES], found.operations) == (2.0, 2.0, 300)


@pytest.mark.parametrize("octets", [1000, 5000, 20_001, 100_000, 100_001])
def test_a_letter_is_as_long_as_it_is_to_be(octets: int) -> None:
    text = letter(octets, 7)
    assert len(text) == octets
    assert text.endswith(b"\r\n")
    assert text.count(b"\r") == text.count(b"\n") == text.count(b"\r\n")
    assert not any(line.startswith(b".") for line in text.split(b"\r\n"))
    assert max(map(len, text.split(b"\r\n"))) < 998
    assert text != letter(octets, 8)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", 4 + len(body)) + body


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_is_said_to_the_database_is_understood(size: int) -> None:
    said = Said()
    octets = b"".join(
        [
            struct.pack("!ii", 8, 80877103),
            struct.pack("!ii", 9, 196608) + b"\0",
            message(b"p", b"secret"),
            message(b"P", b"one\0SELECT\n  1\0\0\0"),
            message(b"S", b""),
            message(b"B", b"\0one\0rest"),
            message(b"Q", b"COMMIT;\0"),
        ]
    )
    for start in range(0, len(octets), size):
        said.hear(octets[start : start + size])
    assert said.since == ["connect"] * 2 + ["password", "prepare SELECT 1", "SELECT 1", "COMMIT;"]


def test_one_work_on_real_servers() -> None:
    found = Found("2026-01-01", "python -m bench cluster", 1, CORES, {})
    measure(found, Scale(seconds=0.0, nodes=1), "poll")
    assert [cost.place for cost in found.costs] == ["embedded", "1 node"]
    assert all(cost.operations >= cost.seats for cost in found.costs)
    assert not found.trips
    assert not found.room


@pytest.mark.long
def test_a_whole_run_in_small(tmp_path: Path) -> None:
    found = Found("2026-01-01", "python -m bench cluster", 1, CORES, {})
    measure(found, Scale(0.0003, 0.0, 10, nodes=2))
    found.write(tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text())["costs"][0]["scarce"]
    by_work: dict[str, list[str]] = {}
    for cost in found.costs:
        by_work.setdefault(cost.work, []).append(cost.place)
    for each in WORKS:
        assert by_work.pop(each.name) == ["embedded", "1 node", "2 nodes"]
    assert all(places == ["embedded", "1 node"] for places in by_work.values())
    assert len(by_work) == 6  # of the large maildrop
    for party in (NODES, DATABASE, OBJECTS, DRIVER):
        assert sum(cost.cpu.get(party, 0.0) for cost in found.costs) > 0
    poll, *_ = found.trips
    assert 0 < poll.count <= 4
    assert {room.what for room in found.room} >= {"an account", "a poll"}
    text = page(found)
    assert all(each.name in text for each in WORKS)
