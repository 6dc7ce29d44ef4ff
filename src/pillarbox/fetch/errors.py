"""What can go wrong while mail is collected, apart from the server's side of it.

::

    PillarboxError
    └── FetchError
        ├── InvalidDestination     ``--to`` says nothing that can be understood (usage)
        ├── DestinationUnusable    no mail can be put there now: full, forbidden, gone
        ├── DeliveryRefused        one message was not taken; others may be
        └── JournalUnusable        the record of what was collected cannot be read or written
            └── JournalBusy        another fetch of this account is running

An error's text is a whole sentence for the user: what is wrong, and what to do.
"""

from __future__ import annotations

from pillarbox.contracts.errors import PillarboxError


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


class JournalUnusable(FetchError):
    """The journal cannot be read or written."""


class JournalBusy(JournalUnusable):
    """Another process is collecting the mail of this account."""
