"""The table of the plan, row by row; what a dry run prints; what a change of rules removes."""

from __future__ import annotations

import pytest

from pillarbox.fetch.plan import Action, Decision, Plan, Reason, make_plan
from pillarbox.fetch.rules import DAY, Rules
from pillarbox.fetch.stages import Known, Listed, Stage

NOW = 1_700_000_000.0
DELETE, KEEP, KEEP_14 = Rules(0), Rules(None), Rules(14)
MADE = "~" + "0123456789abcdef" * 4
DIGEST = b"d" * 32


def row(
    stage: Stage, *, octets: int | None = 100, days: float | None = None, name: str = "a"
) -> Known:
    """A message of the journal, stored so many days ago."""
    stored_at = None if days is None else NOW - days * DAY
    return Known(name, stage, octets, NOW - 30 * DAY, stored_at, DIGEST, vanished=False)


def plan_of(
    known: Known | None,
    rules: Rules,
    *,
    octets: int | None = 100,
    name: str = "a",
    before: Rules | None = None,
) -> Plan:
    rows = {} if known is None else {known.unique_id: known}
    return make_plan([Listed(1, name, octets)], rows, rules, NOW, before=before)


def decided(plan: Plan) -> Decision:
    (decision,) = (*plan.retrieve, *plan.verify, *plan.delete, *plan.leave)
    lists = {
        Action.RETRIEVE: plan.retrieve,
        Action.VERIFY: plan.verify,
        Action.DELETE: plan.delete,
        Action.LEAVE: plan.leave,
    }
    assert lists[decision.action] == [decision]
    return decision


SEEN = row(Stage.SEEN)
R, V, D, L = Action.RETRIEVE, Action.VERIFY, Action.DELETE, Action.LEAVE


@pytest.mark.parametrize(
    ("known", "rules", "octets", "action", "reason", "then_delete"),
    [
        (None, DELETE, 100, R, Reason.NEW, True),
        (None, KEEP, 100, R, Reason.NEW, False),
        (None, KEEP_14, 100, R, Reason.NEW, False),
        (None, DELETE, None, R, Reason.NEW, True),
        (SEEN, DELETE, 100, R, Reason.NEW, True),
        (SEEN, DELETE, 50, R, Reason.NEW, True),
        (SEEN, KEEP, 100, R, Reason.NEW, False),
        (row(Stage.PUBLISHING), DELETE, 100, L, Reason.UNSETTLED, False),
        (row(Stage.PUBLISHING), KEEP, 99, L, Reason.UNSETTLED, False),
        (row(Stage.STORED, days=0), DELETE, 100, D, Reason.DUE, False),
        (row(Stage.STORED, days=-1), DELETE, 100, D, Reason.DUE, False),
        (row(Stage.STORED, days=99), KEEP, 100, L, Reason.KEPT, False),
        (row(Stage.STORED, days=13.9), KEEP_14, 100, L, Reason.KEPT, False),
        (row(Stage.STORED, days=14), KEEP_14, 100, D, Reason.DUE, False),
        (row(Stage.STORED, days=99), DELETE, 101, V, Reason.RESIZED, True),
        (row(Stage.STORED, days=99), KEEP, 101, V, Reason.RESIZED, False),
        (row(Stage.STORED, days=1), KEEP_14, 101, V, Reason.RESIZED, False),
        (row(Stage.STORED, days=15), KEEP_14, 101, V, Reason.RESIZED, True),
        (row(Stage.STORED, days=1, octets=None), DELETE, 101, D, Reason.DUE, False),
        (row(Stage.STORED, days=1), DELETE, None, D, Reason.DUE, False),
        (row(Stage.DELETING, days=1), DELETE, 100, D, Reason.REPEATED, False),
        (row(Stage.DELETING, days=1), DELETE, 101, V, Reason.RESIZED, True),
        (row(Stage.DELETING, days=1), KEEP, 100, L, Reason.KEPT, False),
        (row(Stage.GONE, days=1), DELETE, 100, V, Reason.RETURNED, True),
        (row(Stage.GONE, days=1), DELETE, 101, V, Reason.RETURNED, True),
        (row(Stage.GONE, days=1), KEEP, 100, V, Reason.RETURNED, False),
        (row(Stage.GONE, days=1), KEEP_14, 100, V, Reason.RETURNED, False),
        (row(Stage.GONE, days=14), KEEP_14, 100, V, Reason.RETURNED, True),
    ],
)
def test_the_table(
    known: Known | None,
    rules: Rules,
    octets: int | None,
    action: Action,
    reason: Reason,
    then_delete: bool,
) -> None:
    decision = decided(plan_of(known, rules, octets=octets))
    assert decision == Decision(Listed(1, "a", octets), action, reason, then_delete)


@pytest.mark.parametrize(
    ("known", "limit", "action"),
    [
        (None, 99, L),
        (None, 100, R),
        (SEEN, 99, L),
        (row(Stage.GONE, days=1), 99, L),
        (row(Stage.STORED, days=1, octets=7), 99, L),
        (row(Stage.STORED, days=1), 99, D),
    ],
)
def test_what_is_too_large_is_never_retrieved(
    known: Known | None, limit: int, action: Action
) -> None:
    decision = decided(plan_of(known, Rules(0, limit)))
    assert decision.action is action
    if action is L:
        assert decision.reason is Reason.TOO_LARGE


def test_what_has_no_size_is_not_too_large() -> None:
    assert decided(plan_of(None, Rules(0, 1), octets=None)).action is R


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("octets", [100, 101])
def test_nothing_is_deleted_by_an_id_that_was_made_here(stage: Stage, octets: int) -> None:
    days = None if stage in {Stage.SEEN, Stage.PUBLISHING} else 99
    for known in (row(stage, days=days, name=MADE), None):
        decision = decided(plan_of(known, DELETE, octets=octets, name=MADE))
        assert decision.action is not D
        assert not decision.then_delete


def test_an_id_that_only_begins_like_one_is_the_servers() -> None:
    for name in ("~", "~abc", MADE + "0"):
        assert decided(plan_of(row(Stage.STORED, days=1, name=name), DELETE, name=name)).action is D


@pytest.mark.parametrize(
    ("before", "rules", "known", "switched"),
    [
        (None, DELETE, row(Stage.STORED, days=1), False),
        (DELETE, DELETE, row(Stage.STORED, days=1), False),
        (KEEP, DELETE, row(Stage.STORED, days=1), True),
        (KEEP, DELETE, row(Stage.DELETING, days=1), True),
        (KEEP, DELETE, row(Stage.STORED, days=1, octets=7), True),
        (KEEP, DELETE, row(Stage.GONE, days=1), False),
        (KEEP, DELETE, None, False),
        (KEEP, DELETE, SEEN, False),
        (KEEP, KEEP, row(Stage.STORED, days=1), False),
        (KEEP, KEEP_14, row(Stage.STORED, days=13), False),
        (KEEP, KEEP_14, row(Stage.STORED, days=15), True),
        (KEEP_14, DELETE, row(Stage.STORED, days=13), True),
        (KEEP_14, DELETE, row(Stage.STORED, days=15), False),
        (KEEP_14, KEEP, row(Stage.STORED, days=15), False),
        (Rules(30), KEEP_14, row(Stage.STORED, days=20), True),
    ],
)
def test_what_a_change_of_rules_would_remove(
    before: Rules | None, rules: Rules, known: Known | None, switched: bool
) -> None:
    plan = plan_of(known, rules, before=before)
    assert plan.switched == ([decided(plan)] if switched else [])


def test_the_order_is_that_of_the_listing() -> None:
    listed = [Listed(number, str(number), 1) for number in (5, 3, 4)]
    plan = make_plan(listed, {}, DELETE, NOW)
    assert [decision.message for decision in plan.retrieve] == listed


def test_a_listing_in_which_a_unique_id_occurs_twice_is_not_planned_for() -> None:
    with pytest.raises(ValueError, match="listed twice"):
        make_plan([Listed(1, "a", 1), Listed(2, "a", 1)], {}, DELETE, NOW)


def test_a_dry_run_names_each_message_that_is_touched_and_counts_the_others() -> None:
    known = [
        row(Stage.GONE, days=1, name="gone"),
        row(Stage.DELETING, days=1, name="again"),
        row(Stage.STORED, days=1, name="kept 1"),
        row(Stage.STORED, days=1, name="kept 2"),
    ]
    names = ["new", "gone", "again", "kept 1", "kept 2"]
    listed = [Listed(number, name, 100) for number, name in enumerate(names, 1)]
    listed.append(Listed(6, "no size", None))
    plan = make_plan(listed, {known.unique_id: known for known in known}, KEEP, NOW)
    assert list(plan.describe()) == [
        "retrieve message 1 (100 octets): new",
        "retrieve message 6 (size unknown): new",
        f"verify message 2 (100 octets): {Reason.RETURNED.value}",
        "leave 3 messages: stored here, to be kept on the server",
        "2 messages to retrieve (100 octets), 1 to verify, 0 to delete, 3 to leave",
    ]
    plan = make_plan(listed[:3], {known.unique_id: known for known in known}, DELETE, NOW)
    assert list(plan.describe())[:2] == [
        "retrieve and delete message 1 (100 octets): new",
        f"verify and delete message 2 (100 octets): {Reason.RETURNED.value}",
    ]


@pytest.mark.parametrize("rules", [DELETE, KEEP, KEEP_14, Rules(14, 1000)])
def test_a_mode_can_be_remembered(rules: Rules) -> None:
    assert Rules.of_mode(rules.mode) == rules._replace(max_octets=None)
