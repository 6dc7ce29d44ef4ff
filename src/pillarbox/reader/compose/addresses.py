"""Somebody to write to: a name and an address, as one types them and as they go over the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import idna

from pillarbox.reader.compose.fields import one_line

MAX_RECIPIENTS = 2_000
"""Of one message. Servers take 100 to 1,000 (RFC 5321, section 4.5.3.1.8): more is a pasted mistake."""
_LOCAL, _DOMAIN, _LABEL = 64, 255, 63
"""RFC 5321, section 4.5.3.1; RFC 1035, section 2.3.4."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"')
_LITERAL = re.compile(r"\[[A-Za-z0-9.:]+\]")
_LABELS = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PLAIN_NAME = re.compile(r"[\w ' -]*")


class Recipient(NamedTuple):
    """Somebody to write to."""

    name: str
    address: str
    """The domain in ASCII (RFC 5891); the local part as typed."""

    def __str__(self) -> str:
        """As one would type it."""
        if not self.name:
            return self.address
        if _PLAIN_NAME.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.address}>'

    @property
    def key(self) -> str:
        """The same for all spellings of one address that are surely one."""
        return self.address.casefold()


class BadAddress(ValueError):
    """A sentence that names what was typed, and says what is wrong with it."""


def each_address_once(recipients: Iterable[Recipient]) -> list[Recipient]:
    """The first of those that have one address."""
    by_key: dict[str, Recipient] = {}
    for one in recipients:
        by_key.setdefault(one.key, one)
    return list(by_key.values())


def as_typed(recipients: Iterable[Recipient]) -> str:
    """What :func:`~pillarbox.reader.compose.recipients.recipients_in` understands as these."""
    return ", ".join(map(str, recipients))


def readable(address: str) -> str:
    """*address* with its domain in the script of those who have it, if the same is understood by it."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain.lower():
        return address
    try:
        name = idna.decode(domain)
        same = _wire_domain(name) == domain.lower()
    except ValueError:
        return address
    return f"{local}{at}{name}" if same else address


def checked(address: str, typed: str = "") -> str:
    """*address* as it goes over the wire (RFC 5321, section 4.1.2; RFC 6531 for what is not ASCII).

    Raises:
        BadAddress: it is none; says so of *typed*.
    """
    local, at, domain = address.rpartition("@")
    trouble = _trouble(local, at, domain)
    if trouble:
        raise BadAddress(f"{cited(typed or address)} is no address: {trouble}")
    try:
        return f"{local}@{_wire_domain(domain)}"
    except ValueError:
        raise BadAddress(
            f"{cited(typed or address)} is no address: there can be no domain {cited(domain)}."
        ) from None


def _trouble(local: str, at: str, domain: str) -> str:
    if not at:
        return "there is no @ in it. (A name with a comma goes in quotation marks.)"
    if not local or not domain:
        return f"there is nothing {'in front of' if not local else 'behind'} the @."
    if len(local.encode("utf-8", "replace")) > _LOCAL:
        return f"there are more than {_LOCAL} octets in front of the @."
    if not _DOT_ATOM.fullmatch(local) and not QUOTED.fullmatch(local):
        return f"{cited(local)} cannot stand in front of the @."
    return ""


def _wire_domain(domain: str) -> str:
    """In ASCII. Raises ValueError: there can be none such."""
    if _LITERAL.fullmatch(domain):
        return domain
    name = domain.removesuffix(".").lower()
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode("ascii")
    labels = name.split(".")
    good = all(_LABELS.fullmatch(label) and len(label) <= _LABEL for label in labels)
    if not good or len(name) > _DOMAIN:
        raise ValueError(name)
    return name


def cited(text: str) -> str:
    """*text* as errors show it: on one line, and not longer than it helps."""
    text = one_line(text)
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"  # noqa: PLR2004 -- characters
