"""What was typed into To, Cc and Bcc.

People paste lists from anywhere: separated by commas, semicolons, line ends; with names in quotes or not, with
angle brackets, comments, groups. What cannot be an address is said by name, and nobody is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import idna

from pillarbox.reader.compose.fields import one_line

MAX_RECIPIENTS = 2_000
"""Of one message. Servers take 100 to 1,000 (RFC 5321, section 4.5.3.1.8): more is a pasted mistake."""
MAX_TYPED = 200_000
"""Characters of a field: 2,000 recipients with long names."""
_LOCAL, _DOMAIN, _LABEL = 64, 255, 63
"""RFC 5321, section 4.5.3.1; RFC 1035, section 2.3.4."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_DOT_ATOM = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"')
_LITERAL = re.compile(r"\[[A-Za-z0-9.:]+\]")
_LABELS = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_GROUP = re.compile(r"[^<>@:\"]*:(?!//)")
_PLAIN_NAME = re.compile(r"[\w ' -]*")
_SEPARATORS = ",;\r\n"


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


def recipients_in(typed: str) -> list[Recipient]:
    """All that are in a field, each once.

    Raises:
        BadAddress: one of them is none, or there are too many.
    """
    if len(typed) > MAX_TYPED:
        raise BadAddress(f"This is too long: a field takes {MAX_RECIPIENTS:,} addresses.")
    found = [one for item in _items(typed) for one in _understood(item)]
    if len(found) > MAX_RECIPIENTS:
        raise BadAddress(f"These are {len(found):,} addresses; a message takes {MAX_RECIPIENTS:,}.")
    return each_once(found)


def each_once(recipients: Iterable[Recipient]) -> list[Recipient]:
    """The first of those that have one address."""
    by_key: dict[str, Recipient] = {}
    for one in recipients:
        by_key.setdefault(one.key, one)
    return list(by_key.values())


def as_typed(recipients: Iterable[Recipient]) -> str:
    """What :func:`recipients_in` understands as these."""
    return ", ".join(map(str, recipients))


def readable(address: str) -> str:
    """*address* with its domain in the script of those who have it, where :func:`recipients_in` understands the same by it."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain.lower():
        return address
    try:
        name = idna.decode(domain)
        same = _wire_domain(name) == domain.lower()
    except ValueError:
        return address
    return f"{local}{at}{name}" if same else address


def _items(typed: str) -> Iterator[str]:
    """What stands between separators, those in quotes, comments and brackets left alone."""
    item, quoted, depth = "", False, 0
    comments = typed.count("(") == typed.count(")")
    characters = iter(typed)
    for character in characters:
        if quoted and character == "\\":
            item += character + next(characters, "")
            continue
        if character == '"':
            quoted = not quoted
        elif comments and not quoted and character in "()":
            depth = max(depth + (1 if character == "(" else -1), 0)
        if character in _SEPARATORS and not quoted and not depth:
            yield item.strip()
            item = ""
        else:
            item += character
    if quoted:
        raise BadAddress(f"A quotation mark is not closed: {_cited(item)}")
    yield item.strip()


def _understood(item: str) -> Iterator[Recipient]:
    group = _GROUP.match(item)
    if group is not None:  # "Friends: ada@example.org", "mailto:ada@example.org"
        item = item[group.end() :].strip()
    if not item:
        return
    if item.endswith(">"):
        name, _, address = item[:-1].rpartition("<")
        yield Recipient(_name(name), checked(address.strip(), item))
        return
    words = item.split()
    if all("@" in word for word in words) and '"' not in item:  # pasted with spaces between
        for word in words:
            yield Recipient("", checked(word, item))
        return
    yield _loose(item, words)


def _loose(item: str, words: list[str]) -> Recipient:
    """An address with a name, but without angle brackets."""
    address, _, comment = item.partition("(")
    if comment.endswith(")") and address.strip():
        return Recipient(one_line(comment[:-1]), checked(address.strip(), item))
    if "<" in item or ">" in item:
        raise BadAddress(f"An angle bracket is missing: {_cited(item)}")
    if "@" in words[-1] and '"' not in words[-1]:
        return Recipient(_name(" ".join(words[:-1])), checked(words[-1], item))
    return Recipient("", checked(item, item))


def _name(typed: str) -> str:
    typed = one_line(typed)
    if _QUOTED.fullmatch(typed):
        typed = re.sub(r"\\(.)", r"\1", typed[1:-1])
    return typed.strip()


def checked(address: str, typed: str = "") -> str:
    """*address* as it goes over the wire (RFC 5321, section 4.1.2; RFC 6531 for what is not ASCII).

    Raises:
        BadAddress: it is none; says so of *typed*.
    """
    local, at, domain = address.rpartition("@")
    trouble = _trouble(local, at, domain)
    if trouble:
        raise BadAddress(f"{_cited(typed or address)} is no address: {trouble}")
    try:
        return f"{local}@{_wire_domain(domain)}"
    except ValueError:
        raise BadAddress(
            f"{_cited(typed or address)} is no address: there can be no domain {_cited(domain)}."
        ) from None


def _trouble(local: str, at: str, domain: str) -> str:
    if not at:
        return "there is no @ in it. (A name with a comma goes in quotation marks.)"
    if not local or not domain:
        return f"there is nothing {'in front of' if not local else 'behind'} the @."
    if len(local.encode("utf-8", "replace")) > _LOCAL:
        return f"there are more than {_LOCAL} octets in front of the @."
    if not _DOT_ATOM.fullmatch(local) and not _QUOTED.fullmatch(local):
        return f"{_cited(local)} cannot stand in front of the @."
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


def _cited(text: str) -> str:
    """*text* as errors show it: on one line, and not longer than it helps."""
    text = one_line(text)
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"  # noqa: PLR2004 -- characters
