"""What can go wrong while mail is collected, apart from the server's side of it.

::

    PillarboxError
    └── FetchError
        ├── InvalidDestination     ``--to`` says nothing that can be understood (usage)
        ├── DestinationUnusable    no mail can be put there now: full, forbidden, gone
        ├── DeliveryRefused        one message was not taken; others may be
        ├── LeftThere              one message is not to be had, by its nature or by the rules
        │   ├── NoMail             it is a server's bookkeeping
        │   └── OverLimit          it is larger than the user wants
        ├── NotConfirmed           a deletion that the user has to say yes to
        ├── Defect                 a mistake in Pillarbox itself
        └── JournalUnusable        the record of what was collected cannot be read or written
            └── JournalBusy        another fetch of this account is running

An error's text is a whole sentence for the user: what is wrong, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pillarbox.contracts.errors import PillarboxError

if TYPE_CHECKING:  # plan knows no errors, but some of them know plans
    from pillarbox.fetch.plan import Decision


class FetchError(PillarboxError):
    """Mail could not be collected, or not all of it."""


class InvalidDestination(FetchError):
    """A destination's spelling makes no sense."""


class DestinationUnusable(FetchError):
    """Nothing can be stored there now; what was stored before is safe."""


class DeliveryRefused(FetchError):
    """The destination did not take one message. Nothing of it is left there."""

    def __init__(self, message: str, *, temporary: bool) -> None:
        super().__init__(message)
        self.temporary = temporary
        """True when trying again later may help."""


class LeftThere(FetchError):
    """A message stays on the server, though it had begun to come."""


class NoMail(LeftThere):
    """What the server lists as a message is its own bookkeeping."""


class OverLimit(LeftThere):
    """A message turned out to be larger than the user wants: its listed size was wrong."""


class NotConfirmed(FetchError):
    """The rules were changed so that mail would go which was to be kept, and nobody said yes."""

    def __init__(self, held: Sequence[Decision]) -> None:
        count = "1 message that was" if len(held) == 1 else f"{len(held)} messages that were"
        super().__init__(
            f"the rules before kept mail on the server that the new ones delete: {count} collected "
            "earlier would go; look with --dry-run, and say --yes to delete them"
        )
        self.held = held
        """What would be deleted."""


class Defect(FetchError):
    """A mistake in Pillarbox itself ended a run; nothing is lost by it."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            f"unexpected {type(cause).__name__}: {cause}; this is a defect, please report it with "
            "what `pillarbox --debug fetch …` shows"
        )
        self.__cause__ = cause


class JournalUnusable(FetchError):
    """The journal cannot be read or written."""


class JournalBusy(JournalUnusable):
    """Another process is collecting the mail of this account."""
