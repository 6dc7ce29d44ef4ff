"""As whom one writes: which addresses are the user's. Pure functions.

An account has its own address and those that it is given by name (``aliases``); each of them has subaddresses (RFC 5233,
as most servers have them: ``alice+shop@example.org``). Nothing else is the user's, whatever a message says it was for.
From a message only the detail behind the ``+`` is taken, and only in plain letters: all else is spelled as in the settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pillarbox.domains import comparable
from pillarbox.reader.compose.addresses import BadAddress, checked
from pillarbox.reader.model import Identity

_DETAIL = re.compile(r"\+[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")


def bare(address: str) -> str:
    """The same for all spellings of one mailbox: without case, and what stands behind a ``+``."""
    local, _, domain = address.rpartition("@")
    return f"{local.casefold().partition('+')[0]}@{comparable(domain)}"


def addresses_of(identity: Identity) -> tuple[str, ...]:
    """Those that have a name: its own, then the others."""
    return tuple(filter(None, (identity.address, *identity.aliases)))


def bare_addresses(identities: Iterable[Identity]) -> Iterator[tuple[str, Identity]]:
    """Each mailbox of each of them, and whose it is."""
    return ((bare(address), one) for one in identities for address in addresses_of(one))


def own_address(identity: Identity, address: str) -> str | None:
    """*address*, spelled as *identity* has it; None: it is none of its own, and none of its subaddresses."""
    known = _known(identity, address)
    return None if known is None else f"{known[0]}{known[1]}@{known[2]}"


def named_address(identity: Identity, address: str) -> str | None:
    """That of :func:`addresses_of` whose subaddress *address* is, if it is not one of them; None: of none."""
    known = _known(identity, address)
    return None if known is None else f"{known[0]}@{known[2]}"


def writing_as(identity: Identity, address: str) -> Identity | None:
    """*identity* with this one of its addresses; None: it is none of them."""
    own = own_address(identity, address)
    return None if own is None else replace(identity, address=own)


def _known(identity: Identity, address: str) -> tuple[str, str, str] | None:
    """Local part, detail (with the ``+``) and domain."""
    local, _, domain = address.rpartition("@")
    there = comparable(domain)
    parts = [known.rpartition("@") for known in addresses_of(identity)]
    mine = [(name, place) for name, _, place in parts if comparable(place) == there]
    for name, place in mine:
        if name.casefold() == local.casefold():
            return name, "", place
    for name, place in mine:
        detail = local[len(name) :]
        begins = local[: len(name)].casefold() == name.casefold()
        if name and begins and _DETAIL.fullmatch(detail) and _is_one(f"{name}{detail}@{place}"):
            return name, detail, place
    return None


def _is_one(address: str) -> bool:
    try:
        checked(address)
    except BadAddress:
        return False
    return True
