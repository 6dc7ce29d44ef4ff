"""What a destination promises. It blocks: call it from a worker thread, one at a time.

A batch goes ``stage`` (each message) → ``sync`` → (the journal notes the tokens) →
``publish`` → (the journal notes the outcomes). A token is the destination's name for a
staged message; it says all that ``settle`` needs to know after a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from pillarbox.fetch.errors import DeliveryRefused


class Owner(NamedTuple):
    """For whom a destination works: one journal, which is held exclusively."""

    key: str
    """:attr:`Journal.owner`; marks what is staged in folders that others use, too."""
    spool: Path
    """A folder of its own beside the journal, for messages on their way; need not exist."""
    recipient: str
    """Whose mail it is: the account's user, or what ``--recipient`` says."""


class Staging(Protocol):
    """One message on its way in. Any method may raise DestinationUnusable: then nothing of
    the message is left, and nothing more may be called.
    """

    def write(self, piece: bytes, /) -> None:
        """The next piece of the message as the server sent it, unstuffed, cut anywhere."""

    def finish(self) -> str:
        """The message is whole; returns its token. Not durable before ``sync``."""
        ...

    def abandon(self) -> None:
        """Forget the message, before or after ``finish`` but before ``publish``."""


class Destination(Protocol):
    """Where mail goes.

    All methods raise DestinationUnusable when nothing can be stored there now.
    """

    idempotent: bool
    """True: ``settle`` knows. False: it says so only of what it is sure of, and a message of
    which it is not comes a second time rather than never."""

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        """Make ready, before anything else: make what is missing, refuse what is something
        else, sweep what dead runs of this owner have left, except *unsettled* tokens.
        """

    def stage(self) -> Staging:
        """Begin a message."""
        ...

    def sync(self, stagings: Sequence[Staging]) -> None:
        """Make finished messages durable, so that their tokens may be noted.

        Raises:
            DestinationUnusable: none of them is left.
        """

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        """Make synced messages visible; durable on return, files and folders.

        Returns one outcome for each: None, or why this one was not taken (nothing of it is
        left). When it raises, each token has to be settled.
        """
        ...

    def settle(self, token: str) -> bool:
        """After a crash: has it been published? What can be finished is finished.

        False: it was not, and will not be; nothing of it is left.
        """
        ...

    def close(self) -> None:
        """Let go of everything."""
