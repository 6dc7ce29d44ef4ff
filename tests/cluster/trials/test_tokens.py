"""The check of the leases finds what it is there for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.cluster.trials.tokens import RELEASED, TAKEN, TAKEN_OVER, Trouble, check_tokens

LEASE = 3.0
Line = dict[str, object]


def line(at: float, event: str, token: int) -> Line:
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return {"time": time, "event": event, "user": "alice", "view": "default", "lease": token}


ONE = [line(100, TAKEN, 1), line(101, RELEASED, 1)]
FIRST = [line(100, TAKEN, 1)]


def check(here: list[Line], there: list[Line], *troubles: Trouble) -> int:
    return check_tokens([here, [{"event": "something else"}, *there]], troubles, LEASE)


def test_one_after_the_other_is_well() -> None:
    assert check([*ONE, line(104, TAKEN, 3)], [line(102, TAKEN, 2), line(103, RELEASED, 2)]) == 3


def test_who_comes_before_the_other_has_gone_is_found() -> None:
    with pytest.raises(AssertionError, match="in health"):
        check(FIRST, [line(102, TAKEN, 2)])


def test_who_takes_over_from_a_node_in_health_is_found() -> None:
    for here in (ONE, FIRST):
        with pytest.raises(AssertionError, match="in health"):
            check(here, [line(102, TAKEN_OVER, 2)])


@pytest.mark.parametrize("event", [TAKEN, TAKEN_OVER])
def test_a_trouble_excuses_its_own_node_and_time_only(event: str) -> None:
    after = [line(120, event, 2)]
    assert check(FIRST, after, Trouble(0, 110, 112)) == 2
    assert check(FIRST, after, Trouble(0, 90, 98)) == 2  # what came late
    for other in (Trouble(1, 110, 112), Trouble(0, 90, 96), Trouble(0, 121, 130)):
        with pytest.raises(AssertionError, match="in health"):
            check(FIRST, after, other)


def test_a_token_that_was_given_twice_is_found() -> None:
    for here in (ONE, FIRST):
        with pytest.raises(AssertionError, match="twice"):
            check(here, [line(102, TAKEN, 1)])


def test_what_was_released_though_its_taking_was_not_heard_of_is_well() -> None:
    assert check(ONE, [line(102, RELEASED, 2), line(103, TAKEN, 3)]) == 2


def test_a_token_of_which_nothing_is_said_was_somebodys_in_trouble() -> None:
    after = [line(120, TAKEN_OVER, 3)]
    assert check(ONE, after, Trouble(1, 110, 112)) == 2
    with pytest.raises(AssertionError, match="in health"):
        check(ONE, after)
