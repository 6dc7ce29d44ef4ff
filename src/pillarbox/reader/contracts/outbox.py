"""What is promised of messages that wait to leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pillarbox.reader.model import (
    Outgoing,
    Parcel,
)


class Outbox(Protocol):
    """Messages that wait to be handed over. Blocking, but for :meth:`run`; from any thread.

    Promise: a message is sent at least once unless it is taken back or discarded, and never twice
    without the user's word; whatever crashes. A recipient that a server has taken is not sent to again.
    """

    def put(self, parcel: Parcel, *, hold_seconds: float) -> str:
        """Keep a message; its id. Durable when this returns.

        When it has left, a copy goes to Sent, and what it answers or forwards is marked so.
        """
        ...

    def all(self) -> Sequence[Outgoing]:
        """In the order in which they came."""
        ...

    def damaged(self) -> Sequence[Path]:
        """Files of messages of which it is not known any more whom they are for, or whether they have left: the message, if
        it is there, and what was noted. They are not sent, and stay until the user removes them.
        """
        ...

    @property
    def problem(self) -> str:
        """Why nothing of it can be read, and what to do; whole sentences. Empty: it can."""
        ...

    def find(self, outgoing_id: str) -> Outgoing | None: ...

    def read(self, outgoing_id: str) -> bytes:
        """The message. Raises :class:`.errors.TooLate`: it is not there any more."""
        ...

    def drafts(self) -> frozenset[str]:
        """Ids of drafts whose messages are here, or have left and the drafts are still to be removed."""
        ...

    def name_draft(self, outgoing_id: str, draft_id: str) -> None:
        """Of this draft the message is from now on: the one that it was made of is gone.

        Raises:
            TooLate: it has left, or is leaving.
            LibraryUnusable: that cannot be noted.
        """
        ...

    def take_out(self, outgoing_id: str) -> None:
        """It is not to be sent.

        Raises:
            TooLate: it has left, or is leaving.
            LibraryUnusable: some have got it, and a copy for Sent cannot be had just now. (Of one that is lost there is none.)
        """
        ...

    def discard(self, outgoing_id: str) -> None:
        """It is not to be sent, and its draft goes with it, for good; if that cannot be done now, it is remembered, and done
        as for one that has left. (The draft stays if the message is lost, and some have got it: it is all there is of the text.)

        Raises the same as :meth:`take_out`.
        """
        ...

    def send_again(self, outgoing_id: str) -> None:
        """The user says so: of one that waits (now), was refused, or is not confirmed."""
        ...

    def nudge(self, account: str | None = None) -> None:
        """The network may be back: try all that wait, now."""
        ...

    async def run(self) -> None:
        """Send, until cancelled. A hand-over under way is finished first, for a few seconds."""
        ...
