"""What the bench makes of the figures: medians, goals, the table and the page."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import pytest
from bench.accounting import FamilyAccount
from bench.figures import Figure, Note, Stopwatch, summary
from bench.goals import GOALS, goal
from bench.kept import Run, of_run
from bench.obstacles import obstacle
from bench.page import page
from bench.peers.contract import Peer
from bench.peers.limit import GREETING
from bench.peers.limit_in_c import record
from bench.table import BARE, OURS, ratio, summed_up, table
from bench.works.plan import apart, plan
from rich.console import Console

WORK = "session, 50 messages, clear"


def figures(**values: list[float]) -> list[Figure]:
    """By server."""
    names = {"ours": OURS, "bare": BARE, "quick": "Dovecot, fast", "slow": "Courier"}
    return [
        Figure(WORK, names[peer], value, "µs", 10.0, 1.5)
        for peer, found in values.items()
        for value in found
    ]


def written(found: Sequence[Figure], notes: Sequence[Note] = ()) -> str:
    run = Run("2026-01-02", "python -m bench", 3, [])
    return page(of_run(found, notes, [("Courier", "1.0")], run), [("a plot", "plot.svg")])


def test_the_median_counts_and_one_bad_round_does_not() -> None:
    found = summary(figures(ours=[3.0, 1.0, 900.0]))
    assert (found.value, found.lowest, found.highest) == (3.0, 1.0, 900.0)


class Account(FamilyAccount):
    """Of a server that uses a quarter of a second between two looks."""

    used = 0.0

    def cpu_seconds(self) -> float:
        self.used += 0.25
        return self.used


def busy_peer() -> Peer:
    tls = ssl.create_default_context()
    return Peer("busy", "1", Account(), 1, None, None, tls, {}, lambda _user: None)


def test_a_figure_is_the_servers_time_divided_by_the_operations() -> None:
    figure = Stopwatch(busy_peer()).figure("work", 1000)
    assert figure.value == pytest.approx(250)
    assert figure.unit == "µs"


def test_operations_that_go_together_took_as_long_each() -> None:
    watch = Stopwatch(busy_peer())
    watch.lap(8)
    assert len(watch.laps) == 8
    assert len(set(watch.laps)) == 1


def test_the_slowest_hundredth_of_few_operations_is_nobodys() -> None:
    watch = Stopwatch(busy_peer(), laps=[0.001] * 99)
    assert watch.figure("work", 99).p99 == 0
    watch = Stopwatch(busy_peer(), laps=[0.001] * 98 + [0.5] * 2)
    assert watch.figure("work", 100).p99 == pytest.approx(500)


def test_ours_is_compared_with_the_best_of_the_others_and_no_limit() -> None:
    works = summed_up(figures(ours=[2.0], bare=[1.0], quick=[8.0], slow=[20.0]))
    assert ratio(works[WORK]) == 0.25
    assert ratio(works[WORK], BARE) == 0.125


def test_there_is_nothing_to_compare_with_nobody() -> None:
    assert ratio(summed_up(figures(ours=[2.0], bare=[1.0]))[WORK]) is None
    assert ratio(summed_up(figures(quick=[2.0]))[WORK]) is None


def test_a_goal_is_found_by_the_beginning_of_the_work() -> None:
    assert goal(WORK) == 1 / 4
    assert goal(WORK.replace("clear", "TLS resumed")) == 1 / 3
    assert goal("something else") is None


def test_every_goal_of_a_work_says_less_than_nothing_to_gain() -> None:
    assert all(0 < each.at_most <= 1 for each in GOALS)


def test_the_table_has_a_column_for_each_server() -> None:
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table(summed_up(figures(ours=[2.0], quick=[8.0]))))
    assert "Dovecot, fast" in shown.get()
    assert "0.25" in shown.get()


def test_a_goal_that_is_missed_is_told_with_what_stands_in_the_way() -> None:
    text = written(figures(ours=[4.0], bare=[1.0], quick=[8.0]))
    assert f"{WORK}: 0.50 where 0.25 is wanted (the bare server: 0.12). {obstacle(WORK)}" in text
    assert obstacle(WORK)


def test_a_goal_that_is_met_needs_no_excuse() -> None:
    text = written(figures(ours=[1.0], quick=[8.0]))
    assert "All goals are met in this run." in text
    assert obstacle(WORK) not in text


def test_what_was_not_measured_is_told() -> None:
    notes = [Note("idle", peer, "no memory") for peer in ("Courier", "Cyrus")]
    text = written(figures(ours=[1.0]), [*notes, Note("day", "Cyrus", "no door")])
    assert "- idle: Courier; Cyrus: no memory\n- day: Cyrus: no door" in text


def test_a_row_of_the_page_has_as_many_cells_as_its_head() -> None:
    text = written(figures(ours=[1.0], quick=[8.0], slow=[9.0]))
    rows = [line for line in text.splitlines() if line.startswith(("| work", f"| {WORK}"))]
    head, row, clock_head, clock = (line.count("|") for line in rows)
    assert (head, clock_head) == (row, clock)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_every_work_has_a_name_of_its_own(share: float) -> None:
    names = [work.name for work in plan(share)] + list(apart(share, 1, lambda _: False))
    assert len(set(names)) == len(names)


def test_what_takes_long_is_not_in_a_quick_bench() -> None:
    quick = [work.name for work in plan(0.1)] + list(apart(0.1, 1, lambda _: False))
    assert "million" not in quick
    assert not any("10000" in name for name in quick)


def test_the_server_in_c_is_told_lengths_before_octets() -> None:
    assert record(GREETING, b"+OK\r\n") == b"0 5\n+OK\r\n"
    assert record(b"STAT", b"+OK 1 2\r\n") == b"4 9\nSTAT+OK 1 2\r\n"
