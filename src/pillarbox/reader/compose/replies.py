"""Whom an answer goes to, and as whom. Pure functions.

The rules are those of good programs: Mail-Followup-To is what a list's reader asks for, Reply-To what a sender asks for,
unless a list has put its own address there, in which case an answer to one person goes to that person, and an
answer to all to the list as well. One does not write to oneself, but for notes to oneself, and but for mail from one of one's
accounts that came to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pillarbox.reader.compose.addresses import BadAddress, Recipient, checked, each_address_once
from pillarbox.reader.compose.fields import one_line
from pillarbox.reader.mail.letter import Letter
from pillarbox.reader.model import Correspondent, Identity


@dataclass(frozen=True, slots=True)
class Answered:
    """A message that is answered or forwarded, and where it was."""

    letter: Letter
    followup_to: tuple[Correspondent, ...] = ()
    """Of Mail-Followup-To."""
    delivered_to: tuple[str, ...] = ()
    """Addresses that servers have noted it was for (Delivered-To and the like)."""
    account: str = ""
    """In whose inbox it is; empty: it was moved, or sent."""
    sent: bool = False
    """It is the copy of what has left."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Of an answer."""

    to: tuple[Recipient, ...]
    cc: tuple[Recipient, ...] = ()


def bare(address: str) -> str:
    """The same for all spellings of one mailbox: without case, and what stands behind a ``+``."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def identity_for(answered: Answered, identities: Sequence[Identity]) -> Identity | None:
    """As whom to answer: whose address it came to, else whose inbox it is in, else the first. None: there is nobody.

    To a message of one's own: whoever wrote it.
    """
    letter = answered.letter
    mine = {bare(one.address): one for one in reversed(identities)}
    places = [answered.delivered_to, [one.address for one in (*letter.to, *letter.cc, *letter.bcc)]]
    if _is_own(answered, identities):
        places.insert(0, [one.address for one in letter.sender])
    else:
        mine = {address: one for address, one in mine.items() if address not in _senders(letter)}
    for place in places:
        found = [mine[bare(address)] for address in place if bare(address) in mine]
        for one in found:
            if one.account == answered.account:
                return one
        if found:
            return found[0]
    for one in identities:
        if one.account == answered.account:
            return one
    return identities[0] if identities else None


def author_of(letter: Letter, identities: Sequence[Identity]) -> Identity | None:
    """Whoever of *identities* wrote it; None: somebody else."""
    senders = {bare(one.address) for one in letter.sender}
    return next((one for one in identities if bare(one.address) in senders), None)


def envelope_for(answered: Answered, identities: Sequence[Identity], *, to_all: bool) -> Envelope:
    """Whom it goes to. *identities*: all that the user has."""
    letter = answered.letter
    own = {bare(one.address) for one in identities}
    if _is_own(answered, identities):
        return _to_the_same(letter, own, to_all=to_all)
    own -= _senders(letter)
    author = _author(letter)
    if not to_all:
        return Envelope(each(author))
    if answered.followup_to:
        asked = _without(each(answered.followup_to), own)
        return Envelope(asked or each(author))
    to = _without(each((*author, *letter.to)), own)
    to = to or each(author)
    listed = [Correspondent("", letter.list_post)] if letter.list_post else []
    cc = _without(each((*letter.cc, *listed)), own | {bare(one.address) for one in to})
    return Envelope(to, cc)


def _is_own(answered: Answered, identities: Sequence[Identity]) -> bool:
    """Whether the user has written it, and an answer says more to those that it went to.

    What one of the user's accounts has sent to another is, there, mail like any other: its answer goes back.
    """
    letter, senders = answered.letter, _senders(answered.letter)
    writers = {one.account for one in identities if bare(one.address) in senders}
    if not writers or answered.sent or answered.account in writers:
        return bool(writers)
    others = {bare(one.address): one.account for one in identities}
    others = {address: account for address, account in others.items() if address not in senders}
    recipients = {bare(one.address) for one in (*letter.to, *letter.cc)}
    addressed = not recipients.isdisjoint(others)
    noted = any(bare(address) in others for address in answered.delivered_to)
    came = noted or answered.account in others.values()
    if not addressed and not came:
        return True
    # To a list that the other account is on, or with a hidden copy to it: more is said to the others.
    return not recipients <= senders | others.keys() and not (addressed and came)


def _senders(letter: Letter) -> set[str]:
    return {bare(one.address) for one in letter.sender}


def _author(letter: Letter) -> tuple[Correspondent, ...]:
    """Reply-To, unless a list has put itself there."""
    asked = letter.reply_to
    if letter.list_post and {bare(one.address) for one in asked} == {bare(letter.list_post)}:
        return letter.sender
    return asked or letter.sender


def _to_the_same(letter: Letter, own: set[str], *, to_all: bool) -> Envelope:
    """More to those one has written to."""
    to, cc = each(letter.to), each(letter.cc)
    if not to_all:
        return Envelope(to or cc or each(letter.sender))
    kept = {bare(one.address) for one in to}
    others = _without(to, own)
    return Envelope(others or to or each(letter.sender), _without(cc, own | kept))


def each(people: Iterable[Correspondent]) -> tuple[Recipient, ...]:
    """Those that can be written to, each once."""
    found: list[Recipient] = []
    for one in people:
        try:
            found.append(Recipient(one_line(one.name), checked(one.address)))
        except BadAddress:
            continue
    return tuple(each_address_once(found))


def _without(people: Iterable[Recipient], left_out: set[str]) -> tuple[Recipient, ...]:
    return tuple(one for one in people if bare(one.address) not in left_out)
