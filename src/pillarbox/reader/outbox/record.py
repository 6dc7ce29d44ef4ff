"""What is known of a message in the outbox: what it is, and what has become of each recipient."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import msgspec

from pillarbox.reader.model import MessageKey, Outgoing, Sending
from pillarbox.reader.outbox.standings import due_at
from pillarbox.reader.preferences import BOUNDS

_ABOUT_THE_SENDER = re.compile(
    r"\bsender\b|\bowned by\b|\bsend ?as\b|\bfrom address\b|\b5\.1\.[78]\b|\b5\.7\.60\b",
    re.IGNORECASE,
)
"""Words with which servers refuse a sender, at whichever step; 5.1.7 and 5.1.8 (RFC 3463) are about its address, 5.7.60 is
Exchange's.
"""
_SHOWN_IN_SENTENCES = 3
"""Addresses that a sentence names; a message may have thousands."""


@dataclass(frozen=True, slots=True)
class Record:
    """Replaced as a whole with each step. Times are POSIX ones."""

    id: str
    account: str
    sender: str
    subject: str
    octets: int
    since: float
    sent_base: str
    """Of the file that its copy in Sent will be."""
    waiting: tuple[str, ...]
    """Recipients that it is still to be sent to."""
    in_hand: tuple[str, ...] = ()
    """The end of the message is being sent for them."""
    taken: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    """Recipients, with the server's words."""
    held_until: float = 0.0
    next_try: float = 0.0
    """Not before."""
    network: bool = False
    """It was the network that failed: there is no need to wait once it is back."""
    problem: str = ""
    """Why it still waits."""
    tries: int = 0
    filed: bool = False
    """Its copy is in Sent, and what it answers is marked."""
    draft: str | None = None
    answers: str | None = None
    forwards: str | None = None
    file: int = 0
    """The message's file, by its number on the disk (inode): a copy, or what was put back from a backup, has another one. 0: not known."""
    copied: bool = False
    """That has happened while it waited, and nobody has said yet what is to become of it."""
    bcc: str = ""
    """A field, with its line end, that only the copy in Sent has: the message itself never does."""
    own: bool = True
    """*sender* is the account's own address."""
    discarded: bool = False
    """The user does not want it: it is not sent to anybody any more, and its draft goes as that of one that has left."""

    @property
    def has_left(self) -> bool:
        """Nothing is left to be sent, or to be decided."""
        return not (self.in_hand or self.waiting or self.unsure or self.refused)

    @property
    def to_be_filed(self) -> bool:
        """Somebody has got it, and that is not done yet which is done then."""
        return bool(self.taken) and not self.filed

    def held(self, now: float) -> float:
        """Until when it can be taken back; 0: it need not wait for that."""
        return due_at(self.held_until, now, BOUNDS["hold_seconds"].most)

    def moment(self, now: float, *, pardoned: bool = False) -> float:
        """When it may leave. *pardoned*: it need not wait for its next try."""
        return max(self.held(now), 0.0 if pardoned else due_at(self.next_try, now))

    def state(self, now: float) -> Sending:
        """What it waits for. Of one that has left: SENDING, until that is noted everywhere."""
        if self.in_hand or self.has_left:
            return Sending.SENDING
        if self.waiting:
            return Sending.HELD if self.held(now) > now else Sending.WAITING
        return Sending.UNCONFIRMED if self.unsure else Sending.REFUSED

    # The steps.

    def handing(self, recipients: Collection[str]) -> Record:
        """The end of the message is about to be sent for *recipients*."""
        waiting = tuple(r for r in self.waiting if r not in recipients)
        in_hand = tuple(r for r in self.waiting if r in recipients)
        return replace(self, waiting=waiting, in_hand=in_hand)

    def answered(self) -> Record:
        """The server has taken it for those in hand."""
        return replace(
            self, taken=self.taken + self.in_hand, in_hand=(), tries=0, problem="", network=False
        )

    def unanswered(self) -> Record:
        """Nobody knows whether it has."""
        return replace(self, unsure=self.unsure + self.in_hand, in_hand=())

    def back(self) -> Record:
        """The server has said that it has not, for now."""
        return replace(self, waiting=self.in_hand + self.waiting, in_hand=())

    def found_copied(self, file: int) -> Record:
        """It lies in another file than it was written to: where it waited before, it may have left."""
        copied = self.copied or bool(self.waiting)
        unsure = self.unsure + self.waiting
        return replace(self, unsure=unsure, waiting=(), file=file, copied=copied)

    def refuse(self, words: Mapping[str, str]) -> Record:
        """The server does not want it for these, and says why; whoever it is not for any more is none of them."""
        still = {*self.waiting, *self.in_hand}
        return replace(
            self,
            waiting=tuple(r for r in self.waiting if r not in words),
            in_hand=tuple(r for r in self.in_hand if r not in words),
            refused={**self.refused, **{r: why for r, why in words.items() if r in still}},
        )

    def wait(self, problem: str, until: float, *, network: bool) -> Record:
        """It did not work; again at *until*."""
        return replace(self, problem=problem, next_try=until, network=network, tries=self.tries + 1)

    def drop(self) -> Record:
        """The user discards it."""
        return replace(self, waiting=(), unsure=(), refused={}, discarded=True)

    def noted(self) -> Record:
        """Its copy is in Sent."""
        return replace(self, filed=True)

    def again(self) -> Record:
        """The user wants it sent to all that have not certainly got it, now."""
        return replace(
            self.back(),
            waiting=self.in_hand + self.waiting + self.unsure + tuple(self.refused),
            unsure=(),
            refused={},
            held_until=0.0,
            next_try=0.0,
            problem="",
            tries=0,
            copied=False,
        )

    def explanation(self) -> str:
        """What is wrong, whole sentences, each on a line; empty: nothing is."""
        sentences = [self.problem] if self.problem and self.waiting else []
        if self.unsure and self.copied:
            sentences.append(
                f"It waited for {_listed(self.unsure)} when this outbox was copied or backed up: there it may have "
                "left since, and may have arrived, or not. It is not sent from here unless you say so."
            )
        elif self.unsure:
            sentences.append(
                f"It was handed over for {_listed(self.unsure)}, and the server's answer was lost: "
                "it may have arrived, or not. It is not sent again unless you say so."
            )
        sentences += _refusals(self.refused)
        if not self.own and any(map(_ABOUT_THE_SENDER.search, self.refused.values())):
            sentences.append(
                f"The server may not let this account write as {self.sender}. Edit it, and choose the account's own address under "
                "From."
            )
        if self.taken and (sentences or self.waiting):
            sentences.append(f"It has left for {_listed(self.taken)}.")
        return "\n".join(sentences)


def shown(record: Record, now: float) -> Outgoing:
    """What pages are told of it, as far as it is written down."""
    moment = record.moment(now)
    return Outgoing(
        id=record.id,
        account=record.account,
        state=record.state(now),
        subject=record.subject,
        to=(*record.in_hand, *record.waiting, *record.unsure, *record.refused),
        since=datetime.fromtimestamp(record.since, UTC),
        next_try=datetime.fromtimestamp(moment, UTC) if record.waiting and moment > now else None,
        problem=record.explanation(),
        tries=record.tries,
        draft=record.draft,
        octets=record.octets,
        unsure=record.unsure,
        copied=record.copied,
        discarded=record.discarded,
    )


def marks(record: Record) -> tuple[MessageKey | None, MessageKey | None]:
    """What it answers, and what it forwards."""
    return (
        MessageKey(record.answers) if record.answers else None,
        MessageKey(record.forwards) if record.forwards else None,
    )


def encode(record: Record) -> bytes:
    """For people who look into the folder, too."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1)


def decode(data: bytes) -> Record:
    """Raises ValueError: it is none."""
    return msgspec.json.decode(data, type=Record)


def _refusals(refused: Mapping[str, str]) -> list[str]:
    """One sentence for each way in which the server said no."""
    by_words: dict[str, list[str]] = {}
    for recipient, words in refused.items():
        by_words.setdefault(words, []).append(recipient)
    return [
        f"It was refused for {_listed(recipients)}: {words}"
        for words, recipients in by_words.items()
    ]


def _listed(addresses: Collection[str]) -> str:
    first = list(addresses)[:_SHOWN_IN_SENTENCES]
    more = len(addresses) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
