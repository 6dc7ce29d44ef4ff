"""Every error becomes a state, and sentences that a person at a page can follow."""

from __future__ import annotations

import pytest

from pillarbox.client.errors import (
    Insecure,
    InUse,
    InvalidSetting,
    LoginDelayed,
    NotTrusted,
    OutOfStep,
    ServerTrouble,
    SignInFailed,
    SignInRefused,
    TimedOut,
    Unreachable,
)
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.errors import Defect, DestinationUnusable, JournalBusy, NotConfirmed
from pillarbox.fetch.oauth import errors as oauth
from pillarbox.fetch.plan import Action, Decision, Reason
from pillarbox.fetch.stages import Listed
from pillarbox.reader.collecting.words import in_words, state_of
from pillarbox.reader.errors import NoPassword
from pillarbox.reader.model import Collecting
from pillarbox.wire.replies import Code
from pillarbox.wire.verbs import Verb

HELD = Decision(Listed(1, "a", 10), Action.DELETE, Reason.DUE)

STATES = [
    (Unreachable("x"), Collecting.OFFLINE),
    (TimedOut("x"), Collecting.OFFLINE),
    (oauth.ProviderUnreachable("x"), Collecting.OFFLINE),
    (NotTrusted("x"), Collecting.INSECURE),
    (Insecure("x"), Collecting.UNPROTECTED),
    (SignInRefused(Code.AUTH, "no"), Collecting.REFUSED),
    (SignInFailed("x"), Collecting.REFUSED),
    (NoPassword("x"), Collecting.UNSIGNED),
    (oauth.SignInNeeded("x"), Collecting.REFUSED),
    (oauth.ProviderRefused("x"), Collecting.REFUSED),
    (oauth.TokensUnusable("x"), Collecting.REFUSED),
    (NotConfirmed([HELD]), Collecting.CONFIRM),
    (InUse(Verb.PASS, Code.IN_USE, ""), Collecting.FAILED),
    (LoginDelayed(Verb.PASS, Code.LOGIN_DELAY, ""), Collecting.FAILED),
    (ServerTrouble(Verb.PASS, Code.SYS_TEMP, ""), Collecting.FAILED),
    (OutOfStep("x"), Collecting.FAILED),
    (InvalidSetting("x"), Collecting.FAILED),
    (DestinationUnusable("x"), Collecting.FAILED),
    (JournalBusy("x"), Collecting.FAILED),
    (Defect(ValueError("x")), Collecting.FAILED),
    (PillarboxError("x"), Collecting.FAILED),
]


@pytest.mark.parametrize(("error", "state"), STATES, ids=lambda value: type(value).__name__)
def test_states(error: PillarboxError, state: Collecting) -> None:
    assert state_of(error, worked_before=False) is state
    assert state_of(error, worked_before=True) is state


def test_a_name_that_nobody_knows() -> None:
    """Before anything ever worked it is a slip of the pen; afterwards there is no network."""
    error = Unreachable("x", temporary=False)
    assert state_of(error, worked_before=False) is Collecting.FAILED
    assert state_of(error, worked_before=True) is Collecting.OFFLINE


@pytest.mark.parametrize("error", [error for error, _ in STATES], ids=lambda e: type(e).__name__)
def test_whole_sentences(error: PillarboxError) -> None:
    text = in_words(error)
    assert text.endswith(".")
    assert text[0].isupper()


def test_a_confirmation_says_how_many_and_that_nothing_goes_here() -> None:
    assert "1 message that was collected" in in_words(NotConfirmed([HELD]))
    assert "2 messages that were collected" in in_words(NotConfirmed([HELD, HELD]))
    assert "What is here stays" in in_words(NotConfirmed([HELD]))
