"""An outbox for tests of what is written: it keeps what it is given, and sends nothing by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.reader.errors import TooLate
from pillarbox.reader.model import Outgoing, Parcel, Sending


class HeldOutbox:
    """As :class:`pillarbox.reader.contracts.Outbox`, in memory."""

    def __init__(self) -> None:
        self.parcels: dict[str, Parcel] = {}
        self.got: set[str] = set()
        """Recipients that a server has taken a message for."""
        self.unsure: set[str] = set()
        """Recipients that may have got it."""
        self.problem = ""

    def put(self, parcel: Parcel, *, hold_seconds: float) -> str:
        assert hold_seconds >= 0
        key = f"out{len(self.parcels) + 1}"
        self.parcels[key] = parcel
        return key

    def all(self) -> Sequence[Outgoing]:
        return [outgoing for key in self.parcels if (outgoing := self.find(key))]

    def damaged(self) -> Sequence[Path]:
        return []

    def find(self, outgoing_id: str) -> Outgoing | None:
        parcel = self.parcels.get(outgoing_id)
        if parcel is None:
            return None
        return Outgoing(
            outgoing_id,
            parcel.account,
            Sending.HELD,
            parcel.subject,
            tuple(one for one in parcel.recipients if one not in self.got),
            datetime.now(UTC),
            draft=parcel.draft,
            unsure=tuple(one for one in parcel.recipients if one in self.unsure),
        )

    def read(self, outgoing_id: str) -> bytes:
        if outgoing_id not in self.parcels:
            raise TooLate("It has left.")
        return self.parcels[outgoing_id].message

    def drafts(self) -> frozenset[str]:
        return frozenset(parcel.draft for parcel in self.parcels.values() if parcel.draft)

    def name_draft(self, outgoing_id: str, draft_id: str) -> None:
        if outgoing_id not in self.parcels:
            raise TooLate("It has left.")
        self.parcels[outgoing_id] = replace(self.parcels[outgoing_id], draft=draft_id)

    def take_out(self, outgoing_id: str) -> None:
        if outgoing_id not in self.parcels:
            raise TooLate("It has left.")
        del self.parcels[outgoing_id]

    def discard(self, outgoing_id: str) -> None:
        self.take_out(outgoing_id)

    def send_again(self, outgoing_id: str) -> None:
        raise AssertionError(outgoing_id)

    def nudge(self, account: str | None = None) -> None:
        raise AssertionError(account)

    async def run(self) -> None:
        raise AssertionError
