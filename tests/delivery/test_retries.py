"""The memory of partial deliveries: exact, bounded, and forgetful."""

from __future__ import annotations

import pytest

from pillarbox.delivery import retries
from pillarbox.delivery.intake import one_answer
from pillarbox.delivery.replies import MAILDROP_FULL, NO_SUCH_USER, STORED, Reply
from pillarbox.delivery.retries import LONGEST_MEMORY, PartialDeliveries

BOTH = {"alice", "bob"}


def test_it_knows_sender_recipients_and_content() -> None:
    memory = PartialDeliveries()
    memory.remember("a@b", b"content", BOTH, {"alice"})
    assert memory.served("a@b", b"content", BOTH) == {"alice"}
    assert memory.served("a@b", b"content ", BOTH) == frozenset()
    assert memory.served("a@c", b"content", BOTH) == frozenset()
    assert memory.served("a@b", b"content", {"alice"}) == frozenset()
    assert memory.served("a@b", b"content", BOTH | {"carol"}) == frozenset()
    memory.settle("a@b", b"content", {"alice"})
    assert memory.served("a@b", b"content", BOTH) == {"alice"}
    memory.settle("a@b", b"content", BOTH)
    assert memory.served("a@b", b"content", BOTH) == frozenset()


def test_it_forgets_what_was_not_tried_again_for_hours() -> None:
    now = 0.0
    memory = PartialDeliveries(clock=lambda: now)
    memory.remember("a@b", b"content", BOTH, {"alice"})
    now = LONGEST_MEMORY
    assert memory.served("a@b", b"content", BOTH) == {"alice"}
    now = LONGEST_MEMORY + 1
    assert memory.served("a@b", b"content", BOTH) == frozenset()


def test_it_is_bounded_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "MOST_MESSAGES", 2)
    memory = PartialDeliveries()
    for content in (b"1", b"2", b"1", b"3"):
        memory.remember("a@b", content, BOTH, {"alice"})
    known = [content for content in (b"1", b"2", b"3") if memory.served("a@b", content, BOTH)]
    assert known == [b"1", b"3"]


@pytest.mark.parametrize(
    ("answers", "one"),
    [
        ([STORED, STORED], STORED),
        ([STORED, NO_SUCH_USER], NO_SUCH_USER),
        ([NO_SUCH_USER, STORED, MAILDROP_FULL], MAILDROP_FULL),
    ],
)
def test_one_answer_for_many(answers: list[Reply], one: Reply) -> None:
    assert one_answer(answers) is one
