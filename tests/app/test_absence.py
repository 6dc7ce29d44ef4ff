"""When a device counts as absent, and when that is said beforehand."""

from __future__ import annotations

import pytest

from pillarbox.app.absence import Absence, Phase, absence_of, notice_seconds
from pillarbox.app.config.settings import DAY, Retention
from pillarbox.contracts.store import ViewStatus
from pillarbox.model import DEFAULT_VIEW

NOW = 1_800_000_000.0
MONTH = Retention(unread_by_device_days=30)


def view(
    days_ago: float | None = None,
    *,
    name: str = "phone",
    made_days_ago: float | None = None,
    holds: bool = True,
) -> ViewStatus:
    def moment(days: float | None) -> float | None:
        return None if days is None else NOW - days * DAY

    return ViewStatus(
        name=name,
        count=1,
        octets=1,
        locked=False,
        holder=None,
        holds=holds,
        created_at=moment(made_days_ago),
        seen_at=moment(days_ago),
    )


@pytest.mark.parametrize(
    ("seen", "phase"),
    [
        (0, Phase.PRESENT),
        (22, Phase.PRESENT),
        (22.4, Phase.PRESENT),
        (22.6, Phase.SOON),  # the last quarter of thirty days begins at 22.5
        (29.9, Phase.SOON),
        (30, Phase.ABSENT),
        (300, Phase.ABSENT),
    ],
)
def test_the_last_quarter_of_the_period_is_time_to_warn(seen: float, phase: Phase) -> None:
    assert absence_of(view(seen), MONTH, NOW).phase is phase


def test_it_is_said_how_much_time_is_left() -> None:
    assert absence_of(view(25), MONTH, NOW) == Absence(Phase.SOON, 5 * DAY)


def test_of_a_device_that_never_came_the_making_counts() -> None:
    assert absence_of(view(made_days_ago=29), MONTH, NOW).phase is Phase.SOON
    assert absence_of(view(made_days_ago=31), MONTH, NOW).phase is Phase.ABSENT
    assert absence_of(view(1, made_days_ago=31), MONTH, NOW).phase is Phase.PRESENT


def test_nobody_is_absent_unless_the_operator_says_so() -> None:
    assert absence_of(view(9999), Retention(expire_days=3), NOW).phase is Phase.PRESENT


def test_what_is_not_known_is_no_absence() -> None:
    assert absence_of(view(), MONTH, NOW).phase is Phase.PRESENT


def test_a_view_that_holds_nothing_any_more_is_absent_whatever_the_setting_says_now() -> None:
    assert absence_of(view(1, holds=False), Retention(), NOW).phase is Phase.ABSENT


def test_the_default_view_is_absent_only_when_it_holds_because_it_was_used() -> None:
    def phase(view: ViewStatus, retention: Retention = MONTH) -> Phase:
        return absence_of(view, retention, NOW).phase

    assert phase(view(31, name=DEFAULT_VIEW)) is Phase.ABSENT
    assert phase(view(25, name=DEFAULT_VIEW)) is Phase.SOON
    assert phase(view(31, name=DEFAULT_VIEW, holds=False)) is Phase.ABSENT
    assert phase(view(None, name=DEFAULT_VIEW, holds=False)) is Phase.PRESENT
    assert phase(view(None, name=DEFAULT_VIEW, made_days_ago=31)) is Phase.PRESENT
    always = Retention(unread_by_device_days=30, default_view_holds=True)
    assert phase(view(31, name=DEFAULT_VIEW), always) is Phase.PRESENT


@pytest.mark.parametrize(
    ("period", "notice"),
    [(100, 25), (30, 7.5), (4, 1), (3, 1), (2, 1), (1, 0.5)],
)
def test_the_notice_is_a_quarter_but_at_least_a_day_but_at_most_half(
    period: float, notice: float
) -> None:
    assert notice_seconds(period * DAY) == notice * DAY
