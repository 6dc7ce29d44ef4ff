"""From a RCPT address to an account.

Only the configured domains have accounts; whatever else is asked for is refused, so nothing
is ever relayed. Three addresses need care:

* ``<postmaster>`` without a domain must be accepted (RFC 5321, section 4.5.1): it is the
  postmaster of the first domain that has one.
* A bare local part (``<alice>``) is what some LMTP clients send (fetchmail, procmail recipes):
  taken there, in the same way; in SMTP it is not an address.
* A final dot (``<alice@example.org.>``) is no part of the syntax, but of some clients' habits.
* An internationalised domain may come in Unicode or in its ``xn--`` form.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.contracts.auth import Account, Directory
from pillarbox.delivery import replies
from pillarbox.delivery.replies import Refused, Reply
from pillarbox.domains import comparable

# What nearly all paths look like; aiosmtpd's general parser takes 80 microseconds for each.
_PLAIN_PATH = re.compile(
    r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?)>(?: +(.*))?"
)

_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')

NULL_PATH = "<>"
"""How aiosmtpd writes MAIL FROM:<>, the sender of bounces."""

LONGEST_ADDRESS = 320
"""A local part of 64 and a domain of 255 octets (RFC 5321, section 4.5.3.1), and the ``@``."""


class Addressee(NamedTuple):
    """A recipient that was accepted."""

    address: str
    """As the client wrote it."""
    account: Account


def plain_path(argument: str) -> tuple[str, str] | None:
    """Address and parameters of an ordinary ``<local@domain> PARAMETERS``; else None."""
    found = _PLAIN_PATH.fullmatch(argument)
    return (found[1], found[2] or "") if found else None


def is_left_open(argument: str) -> bool:
    """Whether a path begins with ``<`` and never ends; aiosmtpd would take it for whole."""
    return argument.lstrip().startswith("<") and ">" not in _QUOTED.sub("", argument)


def is_postmaster(address: str) -> bool:
    """Whether somebody must answer to it: RFC 5321, section 4.5.1."""
    return address.partition("@")[0].lower() == "postmaster"


def check_characters(address: str, *, international: bool, bad: Reply) -> None:
    """Let only addresses through that can stand in a header field and in a log.

    Raises:
        Refused: *bad* when it is overlong or has control characters or broken UTF-8;
            553 5.6.7 when it is not ASCII without SMTPUTF8 (RFC 6531, section 3.5).
    """
    if len(address) > LONGEST_ADDRESS or not address.isprintable():
        raise Refused(bad)
    if not international and not address.isascii():
        raise Refused(replies.NEEDS_SMTPUTF8)


class AddressBook:
    """Finds the account for an address among the configured domains."""

    def __init__(self, directory: Directory, domains: tuple[str, ...]) -> None:
        self._directory = directory
        self._domains = {comparable(domain): domain for domain in domains}

    async def find(self, address: str, *, bare: bool, foreign: Reply) -> Addressee:
        """The addressee for *address*.

        Args:
            address: as in RCPT.
            bare: a local part alone is an address (LMTP).
            foreign: the reply for a domain that is not ours.

        Raises:
            Refused: nobody here.
            AuthUnavailable: the directory cannot be asked now.
        """
        local, at, domain = address.rpartition("@")
        if not at:
            return await self._find_bare(address, allowed=bare)
        ours = self._domains.get(comparable(domain))
        if ours is None or not local:
            raise Refused(foreign if local else replies.BAD_RECIPIENT)
        account = await self._directory.find(f"{local}@{ours}")
        if account is None:
            raise Refused(replies.NO_SUCH_USER)
        return Addressee(address, account)

    async def _find_bare(self, local: str, *, allowed: bool) -> Addressee:
        if not local or local == NULL_PATH:
            raise Refused(replies.BAD_RECIPIENT)
        if not allowed and not is_postmaster(local):
            raise Refused(replies.BAD_RECIPIENT)
        for domain in self._domains.values():
            account = await self._directory.find(f"{local}@{domain}")
            if account is not None:
                return Addressee(local, account)
        raise Refused(replies.NO_SUCH_USER)
