"""Names and addresses of hosts: one spelling each, in which they can be compared and used.

A name is in A-labels (RFC 5890), lower case, without the final dot: what DNS, TLS and SOCKS
take. An IPv6 address has no brackets; those belong to URLs.
"""

from __future__ import annotations

import re
import socket

from pillarbox.domains import comparable

MAX_NAME = 253
"""Octets of a name of a host, dots included (RFC 1035, section 3.1, as text)."""

# Underscores are no part of host names (RFC 952), but some hosts have them.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ZONE = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def host_name(text: str) -> str:
    """The one spelling of a name or an IPv4 address.

    Raises:
        ValueError: it is none; the text says why.
    """
    name = comparable(text)
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise ValueError("is not a name of a host")
    return name


def ipv6_address(text: str) -> str:
    """The one spelling of an IPv6 address, perhaps with a zone (``fe80::1%eth0``).

    Raises:
        ValueError: it is none; the text says why.
    """
    address, percent, zone = text.partition("%")
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except OSError:
        raise ValueError("is not an IPv6 address") from None
    if percent and not _ZONE.fullmatch(zone):
        raise ValueError("has no zone behind its %")
    return socket.inet_ntop(socket.AF_INET6, packed) + percent + zone


def is_address(host: str) -> bool:
    """Whether *host* is an IPv4 or IPv6 address already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host.partition("%")[0])
    except OSError:
        return False
    return True


def authority(host: str, port: int) -> str:
    """*host* and *port* as URLs and HTTP write them (RFC 3986, section 3.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
