"""URLs, as far as this client needs them: ``scheme://user@host:port`` (RFC 3986).

The standard library's ``urlsplit`` takes nearly anything, and drops line ends without a
word. Here each doubt is a fault, since a URL says to whom a password goes. People put
passwords into URLs nevertheless, so what is said of a faulty one goes through :func:`shown`.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from pillarbox.client.errors import quoted
from pillarbox.client.hosts import host_name, ipv6_address

HIDDEN = "****"

MAX_PORT = 65535
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED_HERE = "!$&'()*+,="


class Url(NamedTuple):
    """The parts of a URL."""

    scheme: str
    """In lower case."""
    user: str
    """Whatever stands before the ``@``, still percent-encoded; empty when there is none."""
    host: str
    """In its one spelling (:mod:`pillarbox.client.hosts`)."""
    port: int | None


def split(url: str) -> Url:
    """Take *url* apart.

    Raises:
        ValueError: it is none; the text says why, quotes nothing of it, and goes on from
            "the URL …".
    """
    scheme, found, rest = url.strip().partition("://")
    if not found or not _SCHEME.fullmatch(scheme.lower()):
        raise ValueError("does not begin with a scheme and ://")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if rest[len(place) :] not in {"", "/"}:
        raise ValueError("goes on behind the host and port (in a name, / ? # are %2F %3F %23)")
    user, _, place = place.rpartition("@")
    host, port = _host_and_port(place)
    return Url(scheme.lower(), user, host, port)


def _host_and_port(place: str) -> tuple[str, int | None]:
    if place.startswith("["):
        host, closed, port = place[1:].partition("]")
        if not closed or port[:1] not in {"", ":"}:
            raise ValueError("has a [ that does not end with ] and the port")
        # RFC 6874: the % before a zone is itself percent-encoded.
        return ipv6_address(host.replace("%25", "%", 1)), _port(port[1:])
    if place.count(":") > 1:
        raise ValueError("has more than one port; an IPv6 address stands in brackets: [::1]")
    host, _, port = place.partition(":")
    if not host:
        raise ValueError("names no host")
    return host_name(_decoded(host)), _port(port)


def _port(digits: str) -> int | None:
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()) or not 1 <= int(digits[:6]) <= MAX_PORT:
        raise ValueError(f"has a port that is not a number from 1 to {MAX_PORT}")
    return int(digits)


def decoded_name(text: str) -> str:
    """A user name or a password, percent-decoded.

    Raises:
        ValueError: it cannot be one; the text goes on from "the URL …".
    """
    name = _decoded(text)
    if not name.isprintable():
        raise ValueError("has a character in its user name that cannot be printed")
    return name


def _decoded(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("has a % without two hexadecimal digits (% itself is %25)")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise ValueError("has percent-encoded octets that are not UTF-8") from None


def encoded_name(name: str) -> str:
    """*name* as it stands before the ``@`` of a URL."""
    return quote(name, safe=_UNRESERVED_HERE)


def shown(url: str) -> str:
    """*url* as a sentence may quote it: without what could be a password."""
    scheme, found, rest = url.strip().partition("://")
    if not found or not _SCHEME.fullmatch(scheme.lower()):
        scheme, found, rest = "", "", url.strip()
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    if colon:
        user = f"{name}:{HIDDEN}"
    host, colon, port = place.rpartition(":")
    if colon and not port.rstrip("/").isdigit() and not port.endswith("]"):
        place = f"{host}:{HIDDEN}"
    return quoted(scheme + found + user + at + place)
