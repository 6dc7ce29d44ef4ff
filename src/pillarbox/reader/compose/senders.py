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
    return _known(identity, address)[1]


def named_address(identity: Identity, address: str) -> str | None:
    """That of :func:`addresses_of` whose subaddress *address* is, if it is not one of them; None: of none."""
    return _known(identity, address)[0]


def writing_as(identity: Identity, address: str) -> Identity | None:
    """*identity* with this one of its addresses; None: it is none of them."""
    own = own_address(identity, address)
    return None if own is None else replace(identity, address=own)


def _known(identity: Identity, address: str) -> tuple[str, str] | tuple[None, None]:
    """That which has a name, and *address* as that is spelled."""
    local, _, domain = address.rpartition("@")
    there = comparable(domain)
    parts = [known.rpartition("@") for known in addresses_of(identity)]
    mine = [(name, f"@{place}") for name, _, place in parts if comparable(place) == there]
    for name, at in mine:
        if name.casefold() == local.casefold():
            return name + at, name + at
    # What has a detail itself (alice+me) is one name of a mailbox that has others, too (alice+shop).
    mailboxes = [(name.partition("+")[0], name, at) for name, at in mine]
    for base, name, at in (*((name, name, at) for name, at in mine), *mailboxes):
        detail = local[len(base) :]
        begins = local[: len(base)].casefold() == base.casefold()
        if base and begins and _DETAIL.fullmatch(detail) and _is_one(f"{base}{detail}{at}"):
            return name + at, base + detail + at
    return None, None


def _is_one(address: str) -> bool:
    try:
        checked(address)
    except BadAddress:
        return False
    return True
