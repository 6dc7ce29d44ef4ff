"""Filters and DNs with a place for the user's name: ``(uid={user})``, ``uid={user},ou=people``.

What a name holds is escaped as the place demands (RFC 4515, section 3, for filters; RFC 4514,
section 2.4, for DNs), so that no name is ever more than a value there.
"""

from __future__ import annotations

import re

PLACE = "{user}"

MAX_PATTERN_CHARACTERS = 4096
"""A long filter has some hundreds."""

_UNSAFE_IN_FILTERS = re.compile(rb"[^A-Za-z0-9._@'&=-]")
_SPECIAL_IN_DNS = frozenset('\\"+,;<>=\0')


class FaultyPattern(ValueError):
    """A filter or DN cannot be used; the text says why and what to write."""


def check_filter(pattern: str) -> None:
    """See that *pattern* is a filter about a user, as far as its brackets tell.

    Raises:
        FaultyPattern.
    """
    _check_place(pattern, "(uid={user})")
    depth = 0
    for index, char in enumerate(pattern):
        depth += (char == "(") - (char == ")")
        if depth < 0 or (depth == 0 and index < len(pattern) - 1):
            depth = -1
            break
    if depth:
        raise FaultyPattern("is not an LDAP filter: it stands in brackets, like (uid={user})")


def check_dn(pattern: str) -> None:
    """See that *pattern* is the DN of a user.

    Raises:
        FaultyPattern.
    """
    _check_place(pattern, "uid={user},ou=people,dc=example,dc=org")
    if not re.match(r"\s*[A-Za-z0-9.-]+\s*=", pattern):
        raise FaultyPattern("is not a DN; write uid={user},ou=people,dc=example,dc=org")


def in_filter(pattern: str, user: str) -> str:
    """*pattern* with *user* in its places."""
    return pattern.replace(PLACE, escaped_for_filter(user))


def in_dn(pattern: str, user: str) -> str:
    """The same for a DN."""
    return pattern.replace(PLACE, escaped_for_dn(user))


def escaped_for_filter(text: str) -> str:
    """*text* as a value in a filter (RFC 4515, section 3): what might be special in hexadecimal."""
    octets = text.encode("utf-8", "surrogateescape")
    return _UNSAFE_IN_FILTERS.sub(lambda found: b"\\%02x" % found[0][0], octets).decode()


def escaped_for_dn(text: str) -> str:
    """*text* as a value in a DN (RFC 4514, section 2.4)."""
    octets = text.encode("utf-8", "surrogateescape")
    last = len(octets) - 1
    parts: list[str] = []
    for index, octet in enumerate(octets):
        char = chr(octet)
        edge = (char in " #" and index == 0) or (char == " " and index == last)
        if edge or char in _SPECIAL_IN_DNS or not (char.isascii() and char.isprintable()):
            parts.append(f"\\{octet:02x}")
        else:
            parts.append(char)
    return "".join(parts)


def _check_place(pattern: str, example: str) -> None:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise FaultyPattern(f"has more than {MAX_PATTERN_CHARACTERS} characters")
    if PLACE not in pattern:
        raise FaultyPattern(f"does not say where the user's name goes; write {example}")
