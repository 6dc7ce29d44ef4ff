"""The books themselves: each kind of broken promise is found."""

from __future__ import annotations

import pytest

from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter, tag_of

ALICE = "alice"


@pytest.fixture
def ledger() -> Ledger:
    """Letters a and b were answered with 250; c was not answered."""
    ledger = Ledger()
    for tag in ("a", "b", "c"):
        ledger.sending(tag, [ALICE])
    for tag in ("a", "b"):
        ledger.answered(tag, ALICE, stored=True)
    return ledger


def test_an_unanswered_delivery_may_be_there_or_not(ledger: Ledger) -> None:
    ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "c")])
    ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "c")])


def test_a_lost_letter_is_found(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="lost"):
        ledger.audit(ALICE, [("1", "a")])


def test_a_letter_that_came_twice_is_found(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="twice"):
        ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "b")])


def test_a_letter_that_was_never_sent_is_found(ledger: Ledger) -> None:
    with pytest.raises(AssertionError, match="never sent"):
        ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "z")])


def test_an_unanswered_delivery_that_was_not_there_must_not_turn_up(ledger: Ledger) -> None:
    ledger.audit(ALICE, [("1", "a"), ("2", "b")])
    with pytest.raises(AssertionError, match="came back"):
        ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "c")])


def test_a_refused_letter_must_not_be_there(ledger: Ledger) -> None:
    ledger.answered("c", ALICE, stored=False)
    with pytest.raises(AssertionError, match="came back"):
        ledger.audit(ALICE, [("1", "a"), ("2", "b"), ("3", "c")])


def test_what_an_answered_quit_removed_must_not_come_back(ledger: Ledger) -> None:
    ledger.quitting(ALICE, ["a"])
    ledger.quit_answered(ALICE, ["a"], removed=True)
    ledger.audit(ALICE, [("2", "b")])
    with pytest.raises(AssertionError, match="came back"):
        ledger.audit(ALICE, [("1", "a"), ("2", "b")])


def test_a_refused_quit_must_have_removed_nothing(ledger: Ledger) -> None:
    ledger.quitting(ALICE, ["a"])
    ledger.quit_answered(ALICE, ["a"], removed=False)
    with pytest.raises(AssertionError, match="lost"):
        ledger.audit(ALICE, [("2", "b")])


def test_an_unanswered_quit_may_have_removed_all_or_nothing(ledger: Ledger) -> None:
    ledger.quitting(ALICE, ["a", "b"])
    ledger.audit(ALICE, [("1", "a"), ("2", "b")])
    ledger.quitting(ALICE, ["a", "b"])
    ledger.audit(ALICE, [])
    with pytest.raises(AssertionError, match="came back"):
        ledger.audit(ALICE, [("2", "b")])


def test_half_an_update_is_found(ledger: Ledger) -> None:
    ledger.quitting(ALICE, ["a", "b"])
    with pytest.raises(AssertionError, match="only a part"):
        ledger.audit(ALICE, [("2", "b")])


def test_a_unique_id_that_changes_is_found(ledger: Ledger) -> None:
    ledger.seen(ALICE, [("1", "a"), ("2", "b")])
    with pytest.raises(AssertionError, match="has changed"):
        ledger.seen(ALICE, [("1", "a"), ("9", "b")])


def test_a_unique_id_that_is_used_twice_is_found(ledger: Ledger) -> None:
    ledger.seen(ALICE, [("1", "a"), ("2", "b")])
    with pytest.raises(AssertionError, match="used twice"):
        ledger.seen(ALICE, [("1", "a"), ("2", "c")])


@pytest.mark.parametrize("size", [0, 1, 1_000, 100_000])
def test_a_letter_proves_itself(size: int) -> None:
    content = letter("t7", size)
    assert len(content) >= size
    assert tag_of(b"Received: x\r\n" + content) == "t7"


@pytest.mark.parametrize(
    ("old", "new"), [(b"line 1", b"line 2"), (b".t7", b"..t7"), (b"line 3\r\n", b"")]
)
def test_a_damaged_letter_is_found(old: bytes, new: bytes) -> None:
    with pytest.raises(AssertionError, match="damaged"):
        tag_of(letter("t7", 1_000).replace(old, new, 1))
