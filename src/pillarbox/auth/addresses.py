"""From what a person or a message says to the name of an account.

``alice``, ``Alice@Example.ORG`` and ``"alice"@example.org`` are one account when
``example.org`` is a configured domain. Domains are compared without regard to letter case
or to a final dot, and an internationalised domain is the same in both of its spellings
(``bücher.example``, ``xn--bcher-kva.example``; RFC 5890).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.auth.errors import InvalidName
from pillarbox.auth.names import normalise, normalise_device
from pillarbox.domains import comparable

MAX_ADDRESS_CHARACTERS = 320
"""64 for the local part, 255 for the domain and the ``@`` (RFC 5321, section 4.5.3.1)."""

_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

POSTMASTER = "postmaster"
"""The one local part that is an address without a domain (RFC 5321, section 4.1.1.3)."""


class Login(NamedTuple):
    """Whom, and which of their devices, a name stands for that somebody signs in with."""

    user: str
    """Normalised."""
    device: str | None = None
    """The same; None: the account itself."""


class Domains:
    """The domains whose local parts are accounts."""

    def __init__(self, domains: Iterable[str]) -> None:
        self._keys = frozenset(comparable(domain) for domain in domains)

    def login_name(self, login: str) -> str | None:
        """The account's name that *login* (``alice``, ``alice@example.org``) stands for.

        None when no account can be meant: another domain, not a name, or a device's.
        """
        name = self._local_part(login)
        return None if name is None else _name_or_none(name)

    def login(self, login: str) -> Login | None:
        """The same of a login that may name a device: ``alice+phone``,
        ``alice+phone@example.org``.
        """
        name = self._local_part(login)
        if name is None:
            return None
        user, plus, device = name.partition("+")
        wanted = _name_or_none(user)
        if wanted is None or not plus:
            return None if wanted is None else Login(wanted)
        try:
            return Login(wanted, normalise_device(device))
        except InvalidName:
            return None

    def _local_part(self, login: str) -> str | None:
        name, at, domain = login.rpartition("@") if "@" in login else (login, "", "")
        return None if at and not self._holds(domain) else name

    def mailbox_name(self, address: str) -> str | None:
        """The account's name that mail for *address* goes to; None when there can be none.

        What follows ``+`` in the local part is a device's and not looked at; quoting makes
        no difference (RFC 5321, section 4.1.2). ``postmaster`` needs no domain.
        """
        if len(address) > MAX_ADDRESS_CHARACTERS:
            return None
        local, at, domain = address.rpartition("@")
        if not at:
            return POSTMASTER if address.lower() == POSTMASTER else None
        if not self._holds(domain):
            return None
        return _name_or_none(_unquoted(local).partition("+")[0])

    def __contains__(self, domain: str) -> bool:
        return self._holds(domain)

    def _holds(self, domain: str) -> bool:
        return len(domain) <= MAX_ADDRESS_CHARACTERS and comparable(domain) in self._keys


def _name_or_none(name: str) -> str | None:
    try:
        return normalise(name)
    except InvalidName:
        return None


def _unquoted(local: str) -> str:
    """A local part without its quotes and the backslashes in them."""
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        return _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return local
