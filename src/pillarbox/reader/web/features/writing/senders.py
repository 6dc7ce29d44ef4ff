"""From whom a message can be: what From offers, and what was chosen there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pillarbox.reader.compose.addresses import readable
from pillarbox.reader.compose.senders import addresses_of, own_address
from pillarbox.reader.model import Draft, Identity


@dataclass(frozen=True, slots=True)
class Senders:
    """What From offers for one draft."""

    offered: tuple[tuple[str, str], ...]
    """Values of the field, and words."""
    chosen: str
    """The value of what the draft has, be it offered or not."""
    gone: str = ""
    """Why that is not offered any more: a sentence. Empty: it is."""


def value_of(account: str, sender: str = "") -> str:
    """Of the field. An account's name has no space in it."""
    return f"{account} {sender}" if sender else account


def parsed(value: str) -> tuple[str, str]:
    """Account and address; the latter is empty for the account's own."""
    account, _, sender = value.partition(" ")
    return account, sender


def senders_for(draft: Draft, identities: Sequence[Identity]) -> Senders:
    """From whom *draft* can be."""
    offered = tuple(offer for one in identities for offer in _offers(draft, one))
    chosen = value_of(draft.account, draft.sender)
    if not draft.account or not identities:
        return Senders(offered, chosen)
    identity = next((one for one in identities if one.account == draft.account), None)
    if identity is None:
        gone = f"There is no account {draft.account} any more: choose from whom this message goes."
        return Senders(offered, chosen, gone)
    own = own_address(identity, draft.sender) if draft.sender else ""
    if own is None:
        gone = (
            f"{draft.sender} is no address of the account {draft.account} any more: choose from whom this message "
            "goes."
        )
        return Senders(offered, chosen, gone)
    return Senders(offered, _value(identity, own))


def _offers(draft: Draft, identity: Identity) -> Iterator[tuple[str, str]]:
    """Its addresses by name, and the subaddress that the draft has or answers to."""
    has = draft.sender if draft.account == identity.account else ""
    more = (own_address(identity, one) for one in (has, draft.came_to) if one)
    for address in dict.fromkeys((identity.address, *addresses_of(identity), *filter(None, more))):
        yield _value(identity, address), _words(identity, address)


def _value(identity: Identity, address: str) -> str:
    return value_of(identity.account, "" if address == identity.address else address)


def _words(identity: Identity, address: str) -> str:
    if not address:
        return identity.account
    shown = readable(address)
    return f"{identity.name} <{shown}>" if identity.name else shown
