"""What ended a run, for a page: a state, and whole sentences."""

from __future__ import annotations

from pillarbox.client.errors import Insecure, NotTrusted, SignInRefused, Unreachable
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.errors import JournalBusy, NotConfirmed
from pillarbox.fetch.oauth.errors import (
    ProviderRefused,
    ProviderUnreachable,
    SignInFailed,
    SignInNeeded,
    TokensUnusable,
)
from pillarbox.reader.errors import NoPassword
from pillarbox.reader.model import Collecting
from pillarbox.reader.sentences import as_sentence, reworded

# fmt: off
_STATES: tuple[tuple[type[PillarboxError], Collecting], ...] = (
    # The first row that fits; anything else has failed, and is tried again.
    (NotConfirmed,        Collecting.CONFIRM),
    (NotTrusted,          Collecting.INSECURE),
    (Insecure,            Collecting.UNPROTECTED),
    (NoPassword,          Collecting.UNSIGNED),
    (SignInRefused,       Collecting.REFUSED),
    (SignInNeeded,        Collecting.REFUSED),
    (SignInFailed,        Collecting.REFUSED),
    (ProviderRefused,     Collecting.REFUSED),
    (TokensUnusable,      Collecting.REFUSED),
    (ProviderUnreachable, Collecting.OFFLINE),
    (Unreachable,         Collecting.OFFLINE),
)
# fmt: on


def state_of(error: PillarboxError, *, worked_before: bool) -> Collecting:
    """What *error* makes of an account.

    Args:
        error: what ended its run.
        worked_before: it has been collected at least once, so its settings are right: a name that nobody knows
            now is a missing network.
    """
    if isinstance(error, Unreachable) and not (error.temporary or worked_before):
        return Collecting.FAILED
    return next((state for kind, state in _STATES if isinstance(error, kind)), Collecting.FAILED)


def in_words(error: PillarboxError, *, by_itself: bool = True) -> str:
    """*error*, in whole sentences for a page.

    Args:
        error: what has ended a run, or a trial.
        by_itself: it is tried again without anybody's doing; a trial is not.
    """
    if isinstance(error, JournalBusy):
        return (
            "Another program is collecting this account just now (pillarbox fetch, or a second reader). "
            f"{'It is tried again soon' if by_itself else 'Try again when it has ended'}."
        )
    if isinstance(error, NotConfirmed):
        count = len(error.held)
        them = "1 message that was" if count == 1 else f"{count} messages that were"
        return (
            f"The rules before kept mail on the server that the new ones delete: {them} collected "
            "earlier would go there. What is here stays, whatever you say."
        )
    return as_sentence(reworded(str(error), by_itself=by_itself))
