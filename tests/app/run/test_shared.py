"""The table that processes share, and the limits that hold over all of them."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.shared import Column, SharedTable, SharedTally, State
from pillarbox.peers import KNOWN_PEERS, Network, Networks


def take(table: SharedTable, generation: int = 1) -> Column:
    column = table.take(generation)
    assert column is not None
    return column


def tallies(
    table: SharedTable, number: int, *, total: int = 1000, per_address: int = 3
) -> list[SharedTally]:
    columns = [take(table) for _ in range(number)]
    return [SharedTally(table, column, total=total, per_address=per_address) for column in columns]


def test_an_address_is_limited_over_all_workers() -> None:
    one, two = tallies(SharedTable(4), 2, per_address=3)
    assert one.enter("192.0.2.7")
    assert two.enter("192.0.2.7")
    assert one.enter("192.0.2.7")
    assert not one.enter("192.0.2.7")
    assert not two.enter("192.0.2.7")
    assert two.enter("192.0.2.8")


def test_where_the_limit_of_an_address_does_not_count() -> None:
    table = SharedTable(4)
    webmail = Networks([Network.parse("10.0.0.0/8")])
    tally = SharedTally(table, take(table), total=4, per_address=1, unlimited=webmail)
    assert tally.enter("10.0.0.5")
    assert tally.enter("10.0.0.5")
    assert tally.enter("192.0.2.7")
    assert not tally.enter("192.0.2.7")
    assert tally.enter("10.0.0.5")
    assert not tally.enter("10.0.0.5"), "that of all connections does"


def test_leaving_makes_room() -> None:
    one, two = tallies(SharedTable(4), 2, per_address=1)
    assert one.enter("192.0.2.7")
    assert not two.enter("192.0.2.7")
    one.leave("192.0.2.7")
    assert two.enter("192.0.2.7")


def test_addresses_of_one_ipv6_network_count_together() -> None:
    (tally,) = tallies(SharedTable(4), 1, per_address=2)
    assert tally.enter("2001:db8::1")
    assert tally.enter("2001:db8::2")
    assert not tally.enter("2001:db8::3")
    assert tally.enter("2001:db8:0:1::1")


def test_the_total_is_limited_over_all_workers() -> None:
    one, two = tallies(SharedTable(4), 2, total=3)
    assert one.enter("192.0.2.1")
    assert two.enter("192.0.2.2")
    assert two.enter("192.0.2.3")
    assert not one.enter("192.0.2.4")


def test_a_socket_file_is_limited_in_total_only() -> None:
    (tally,) = tallies(SharedTable(4), 1, total=5, per_address=1)
    assert [tally.enter("unix") for _ in range(6)] == [True] * 5 + [False]


def test_a_dead_worker_s_connections_are_forgotten() -> None:
    table = SharedTable(4)
    dying, living = take(table), take(table)
    dead = SharedTally(table, dying, total=10, per_address=1)
    assert dead.enter("192.0.2.7")
    table.wipe(dying)
    assert dying.state is State.FREE
    assert SharedTally(table, living, total=10, per_address=1).enter("192.0.2.7")


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 1)), max_size=60),
    st.integers(1, 4),
)
def test_no_address_ever_has_more_than_its_share(
    steps: list[tuple[bool, int, int]], limit: int
) -> None:
    """Against a plain counter: never too many, and nobody is refused who has room."""
    workers = tallies(SharedTable(2), 2, per_address=limit)
    model: Counter[tuple[str, int]] = Counter()
    for enters, host, worker in steps:
        address = f"192.0.2.{host}"
        if enters:
            here = model[address, 0] + model[address, 1]
            assert workers[worker].enter(address) == (here < limit)
            model[address, worker] += here < limit
        elif model[address, worker]:
            workers[worker].leave(address)
            model[address, worker] -= 1


def test_columns_are_taken_once_and_given_back() -> None:
    table = SharedTable(2)
    first, second = take(table, 1), take(table, 2)
    assert table.take(3) is None
    assert [column.number for column in table.used()] == [0, 1]
    table.wipe(first)
    assert take(table, 3).number == 0
    assert second.generation == 2


def test_a_fork_sees_what_the_other_writes() -> None:
    table = SharedTable(2)
    column = take(table)
    pid = os.fork()
    if pid == 0:
        column.state = State.READY
        column.beat()
        os._exit(0)
    os.waitpid(pid, 0)
    assert column.state is State.READY
    assert column.silence() < 60


def test_memory_of_addresses_is_bounded_and_changes_no_answer() -> None:
    table = SharedTable(columns=1)
    addresses = [f"2001:db8:{number:x}::/64" for number in range(KNOWN_PEERS + 10)]
    first = [table.cells(address) for address in addresses]
    assert [table.cells(address) for address in addresses] == first
    assert len(table._cells) <= KNOWN_PEERS
