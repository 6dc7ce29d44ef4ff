"""Whom an answer goes to, and as whom. Pure functions.

The rules are those of good programs: Mail-Followup-To is what a list's reader asks for, Reply-To what a sender asks for,
unless a list has put its own address there, in which case an answer to one person goes to that person, and an
answer to all to the list as well. One does not write to oneself, but for notes to oneself, and but for mail from one of one's
accounts that came to another.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pillarbox.reader.compose.addresses import BadAddress, Recipient, checked, each_address_once
from pillarbox.reader.compose.fields import one_line
from pillarbox.reader.compose.senders import addresses_of, bare, bare_addresses, own_address
from pillarbox.reader.mail.letter import Letter
from pillarbox.reader.model import Correspondent, Identity


@dataclass(frozen=True, slots=True)
class Answered:
    """A message that is answered or forwarded, and where it was."""

    letter: Letter
    followup_to: tuple[Correspondent, ...] = ()
    """Of Mail-Followup-To."""
    delivered_to: tuple[str, ...] = ()
    """Addresses that the last server has noted it was for (Delivered-To and the like), the mailbox last."""
    account: str = ""
    """In whose inbox it is; empty: it was moved, or sent."""
    sent: bool = False
    """It is the copy of what has left."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Of an answer."""

    to: tuple[Recipient, ...]
    cc: tuple[Recipient, ...] = ()


def identity_for(answered: Answered, identities: Sequence[Identity]) -> Identity | None:
    """As whom to answer: with an address of the account that it came to; one that the others know, else one that the last
    server has noted, else its own one. None: there is nobody.

    It came to the account in whose inbox it is; else to that which the server has noted, and only else to one that others have
    written into To: whoever sends a hidden copy to one account, and names another there, shall not learn that both are one
    person's. To a message of one's own: whoever wrote it, as which that was.
    """
    letter, senders = answered.letter, _senders(answered.letter)
    if _is_own(answered, identities):
        return author_of(letter, identities, answered.account)
    known = [one.address for one in (*letter.to, *letter.cc, *letter.bcc)]
    visible = _own_among(known, identities, senders)
    noted = _own_among(reversed(answered.delivered_to), identities, senders)
    accounts = {one.account: one for one in identities}
    named = (answered.account, *(one.account for one in (*noted, *visible)), *accounts)
    where = next((one for one in named if one in accounts), None)
    for found in (*visible, *sorted(noted, key=_as_noted)):
        if found.account == where:
            return found.writer
    return None if where is None else accounts[where]


class _Own(NamedTuple):
    """An address of the user's that a message names."""

    identity: Identity
    address: str

    @property
    def account(self) -> str:
        return self.identity.account

    @property
    def writer(self) -> Identity:
        return replace(self.identity, address=self.address)


def _own_among(
    addresses: Iterable[str], identities: Sequence[Identity], but: Container[str]
) -> list[_Own]:
    """Those that are the user's, in their order; of mailboxes *but* these. Whose own address one is comes before whom it
    is another one of.
    """
    return [
        _Own(one, own)
        for address in addresses
        if (mailbox := bare(address)) not in but
        for one in sorted(identities, key=lambda one: bare(one.address) != mailbox)
        if (own := _spelled(one, address))
    ]


def _spelled(identity: Identity, address: str) -> str | None:
    """As *identity* writes it; of its mailbox under a name that it does not write as, the one that it does."""
    own, mailbox = own_address(identity, address), bare(address)
    return own or next((one for one in addresses_of(identity) if bare(one) == mailbox), None)


def _as_noted(one: _Own) -> int:
    """What servers note last is the mailbox, which the others may not know: an address with a name goes first, then one with
    a detail.
    """
    if one.address == one.identity.address:
        return 2
    return 0 if one.address in one.identity.aliases else 1


def author_of(letter: Letter, identities: Sequence[Identity], account: str = "") -> Identity | None:
    """Whoever of *identities* wrote it, with that address; that of *account* before others. None: somebody else."""
    found = _own_among((one.address for one in letter.sender), identities, ())
    found.sort(key=lambda one: one.account != account)
    return found[0].writer if found else None


def envelope_for(answered: Answered, identities: Sequence[Identity], *, to_all: bool) -> Envelope:
    """Whom it goes to. *identities*: all that the user has."""
    letter = answered.letter
    own = {address for address, _ in bare_addresses(identities)}
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
    mine = list(bare_addresses(identities))
    writers = {one.account for address, one in mine if address in senders}
    if not writers or answered.sent or answered.account in writers:
        return bool(writers)
    others = {address: one.account for address, one in mine if one.account not in writers}
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
