"""How long to wait, by what ended the last run."""

from __future__ import annotations

import pytest

from pillarbox.client.errors import (
    ClientError,
    Insecure,
    InvalidUrl,
    OutOfStep,
    SignInRefused,
    TimedOut,
    UnknownMechanism,
    Unreachable,
    refusal,
)
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.backoff import Backoff
from pillarbox.fetch.errors import (
    Defect,
    DestinationUnusable,
    InvalidDestination,
    JournalBusy,
    NotConfirmed,
)
from pillarbox.fetch.events import Totals
from pillarbox.fetch.run import Outcome
from pillarbox.wire.replies import Code
from pillarbox.wire.verbs import Verb

INTERVAL = 300.0
WELL = Outcome(Totals())


def failed(error: PillarboxError) -> Outcome:
    return Outcome(Totals(), error)


def exactly(_: float, __: float) -> float:
    return 1.0


# Seconds of the first four pauses, and of a very late one.
PAUSES = [
    (refusal(Verb.PASS, Code.IN_USE, ""), [30, 60, 120, 240], 300),
    (refusal(Verb.PASS, Code.LOGIN_DELAY, ""), [300, 600, 1200, 1800], 1800),
    (refusal(Verb.PASS, Code.SYS_TEMP, ""), [60, 120, 240, 480], 3600),
    (refusal(Verb.LIST, Code.SYS_PERM, ""), [60, 120, 240, 480], 3600),
    (refusal(Verb.UIDL, None, ""), [60, 120, 240, 480], 3600),
    (SignInRefused(None, ""), [900, 1800, 3600, 7200], 14400),
    (Unreachable(""), [30, 60, 120, 240], 900),
    (TimedOut(""), [30, 60, 120, 240], 900),
    (OutOfStep(""), [60, 120, 240, 480], 3600),
    (Insecure(""), [60, 120, 240, 480], 3600),
    (DestinationUnusable(""), [60, 120, 240, 480], 3600),
    (JournalBusy(""), [30, 60, 120, 240], 300),
    (Defect(ValueError()), [60, 120, 240, 480], 3600),
]


@pytest.mark.parametrize(("error", "first", "late"), PAUSES, ids=lambda value: type(value).__name__)
def test_each_failure_doubles_the_pause(
    error: PillarboxError, first: list[float], late: float
) -> None:
    backoff = Backoff(INTERVAL, exactly)
    pauses = [backoff.pause(failed(error)) for _ in range(3000)]
    assert pauses[:4] == first
    assert pauses[-1] == late


@pytest.mark.parametrize(
    "error",
    [
        SignInRefused(Code.AUTH, ""),
        InvalidUrl(""),
        UnknownMechanism(""),
        InvalidDestination(""),
    ],
)
def test_what_only_the_user_can_mend_is_not_tried_again(error: PillarboxError) -> None:
    assert Backoff(INTERVAL).pause(failed(error)) is None


def test_a_run_that_went_well_begins_anew() -> None:
    backoff = Backoff(INTERVAL, exactly)
    for _ in range(5):
        backoff.pause(failed(Unreachable("")))
    assert backoff.pause(WELL) == INTERVAL
    assert backoff.pause(failed(Unreachable(""))) == 30


def test_a_question_to_the_user_is_no_failure() -> None:
    """Mail is collected meanwhile, as often as always."""
    assert Backoff(INTERVAL, exactly).pause(failed(NotConfirmed([]))) == INTERVAL


def test_who_polls_seldom_is_never_made_to_poll_more_seldom() -> None:
    backoff = Backoff(36_000.0, exactly)
    assert max(backoff.pause(failed(ClientError(""))) or 0 for _ in range(30)) == 36_000.0


def test_nobody_comes_at_the_exact_second() -> None:
    pauses = {Backoff(INTERVAL).pause(WELL) for _ in range(100)}
    assert len(pauses) > 50
    assert all(pause is not None and 270 <= pause <= 330 for pause in pauses)
