"""Times in shared memory: found by all processes, bounded, never another's."""

from __future__ import annotations

import os
import time

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.shared_times import ENTRIES, SharedTimes


def test_what_one_process_puts_another_gets() -> None:
    times = SharedTimes(16)
    pid = os.fork()
    if not pid:
        times.put("alice", "home", 1234.5678)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert times.get("alice", "home") == 1234.568
    assert times.get("alice", "office") is None
    assert times.get("bob", "home") is None


def test_a_later_time_takes_the_place_of_an_earlier_one() -> None:
    times = SharedTimes(1)
    for number in range(10 * ENTRIES):
        times.put("alice", "home", number)
    times.put("alice", "office", 1)
    assert times.get("alice", "home") == 10 * ENTRIES - 1
    assert times.get("alice", "office") == 1


def test_of_a_group_that_has_too_many_the_earliest_is_lost() -> None:
    times = SharedTimes(1)
    for number in range(1, ENTRIES + 3):
        times.put("alice", f"network {number}", number)
    kept = [n for n in range(1, ENTRIES + 3) if times.get("alice", f"network {n}") is not None]
    assert kept == list(range(3, ENTRIES + 3))


def test_one_group_pushes_out_only_those_that_share_its_set() -> None:
    times = SharedTimes(1 << 14)
    for number in range(100):
        times.put(f"user {number}", "home", 1)
    for number in range(10_000):
        times.put("mallory", f"network {number}", 2)
    assert sum(times.get(f"user {number}", "home") == 1 for number in range(100)) >= 98


def test_any_text_and_the_clock_of_today() -> None:
    times = SharedTimes(16)
    now = time.monotonic()
    times.put("\udcff", "\0", now)
    found = times.get("\udcff", "\0")
    assert found is not None
    assert abs(found - now) < 0.001


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(1, 10**6))))
def test_as_a_dictionary_while_there_is_room(puts: list[tuple[str, str, int]]) -> None:
    times, model = SharedTimes(64), dict[tuple[str, str], int]()
    for group, name, at in puts:
        times.put(group, name, at)
        model[group, name] = at
    for group in "ab":
        for name in "xyz":
            assert times.get(group, name) == model.get((group, name))
