"""Whether another session may get further, and which message is at fault."""

from __future__ import annotations

import pytest

from pillarbox.client.errors import ClientError, OutOfStep, Unreachable
from pillarbox.fetch.events import Event, Problem
from pillarbox.fetch.limits import BATCH_MESSAGES, FRUITLESS_SESSIONS, SHORT_STRIDE
from pillarbox.fetch.plan import Action, Decision, Reason
from pillarbox.fetch.progress import Progress
from pillarbox.fetch.stages import Listed

DROP = Unreachable("the line broke")
SLIP = OutOfStep("what?")


def wanted(number: int) -> Decision:
    return Decision(Listed(number, f"uid-{number}", 10), Action.RETRIEVE, Reason.NEW)


class Run:
    """Sessions, one after the other."""

    def __init__(self) -> None:
        self.progress = Progress()
        self.told: list[str] = []

    def session(
        self, error: ClientError, at: int | None = None, *, brought: int = 0, listed: bool = True
    ) -> bool:
        """One that *error* breaks, at message *at*; whether another one may get further."""
        self.progress.begin_session()
        if listed:
            self.progress.listed()
        self.progress.add(retrieved=brought)
        self.progress.at(wanted(at) if at else None)
        return self.progress.goes_on(error, self._tell)

    def ends_well(self) -> None:
        self.progress.begin_session()
        self.progress.listed()
        self.progress.end_session()

    def given_up(self, *numbers: int) -> list[int]:
        left = self.progress.still_wanted(map(wanted, numbers))
        return [n for n in numbers if wanted(n) not in left]

    def _tell(self, event: Event) -> None:
        assert isinstance(event, Problem)
        self.told.append(event.text)


@pytest.fixture
def run() -> Run:
    return Run()


def test_a_run_begins_boldly(run: Run) -> None:
    assert not run.progress.careful
    assert run.progress.stride == BATCH_MESSAGES


def test_a_slip_makes_careful(run: Run) -> None:
    assert run.session(SLIP, 5)
    assert run.progress.careful
    assert run.progress.stride == 1
    assert run.given_up(5) == []


def test_it_was_the_pipelining(run: Run) -> None:
    run.session(SLIP, 5)
    assert not run.progress.pipelining_was_bad
    run.ends_well()
    assert run.progress.pipelining_was_bad


def test_it_was_the_message(run: Run) -> None:
    run.session(SLIP, 5)
    assert run.session(SLIP, 6)
    assert run.given_up(5, 6) == [6]
    run.ends_well()
    assert not run.progress.pipelining_was_bad
    assert run.progress.totals.failed == 1


def test_a_drop_puts_less_at_stake(run: Run) -> None:
    assert run.session(DROP, 5)
    assert run.progress.stride == SHORT_STRIDE
    assert not run.progress.careful


def test_drops_at_one_message(run: Run) -> None:
    assert run.session(DROP, 5)
    assert run.session(DROP, 5)
    assert run.progress.careful, "the server may lose what is sent ahead"
    assert run.given_up(5) == []
    assert run.session(DROP, 5)
    assert run.given_up(5) == [5]
    assert len(run.told) == 3


def test_drops_here_and_there_are_chance(run: Run) -> None:
    for number in range(1, 10):
        assert run.session(DROP, number, brought=1)
    assert run.given_up(*range(1, 10)) == []
    assert not run.progress.careful


def test_a_drop_between_messages_that_brought_something(run: Run) -> None:
    assert run.session(DROP, brought=3)
    assert not run.progress.careful


def test_a_drop_that_brought_nothing_may_be_the_pipelining_of_other_commands(run: Run) -> None:
    assert run.session(DROP)
    assert run.progress.careful
    assert not run.session(DROP)


def test_a_drop_before_the_listing_ends_the_run(run: Run) -> None:
    """The server is down, or the network."""
    assert not run.session(DROP, listed=False)
    assert run.told == []


def test_a_slip_before_the_listing_is_tried_once_more(run: Run) -> None:
    assert run.session(SLIP, listed=False)
    assert not run.session(SLIP, listed=False)


def test_sessions_that_bring_nothing_come_to_an_end(run: Run) -> None:
    number = 0
    while run.session(DROP, 1 + number // 3):
        number += 1
    assert number == FRUITLESS_SESSIONS


def test_sessions_that_bring_something_do_not(run: Run) -> None:
    for number in range(3 * FRUITLESS_SESSIONS):
        assert run.session(DROP, 1 + number, brought=1)


def test_deletions_count_as_getting_further() -> None:
    progress = Progress()
    progress.begin_session()
    progress.add(deleted=1)
    assert progress.got_further
    progress.begin_session()
    assert not progress.got_further
