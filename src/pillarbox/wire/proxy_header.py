"""The PROXY protocol: a load balancer says whose connection it passes on, before anything else.

Versions 1 (a line of text) and 2 (binary) of ``proxy-protocol.txt`` by HAProxy, receiver's side.
No sockets here: :meth:`HeaderReader.take` is shown what has arrived, and says how many octets of
it are the header's. Not one more may be taken off, since what follows may be a TLS hello that
somebody else has to read. Whom to believe a header is not decided here either.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

MAX_V1 = 107
"""Octets of a version 1 header with its CRLF: section 2.1 counts the longest possible one."""

MAX_V2 = 4096
"""Octets of a version 2 header. Addresses need 232, TLVs of load balancers some hundred more
(a client's common name, ids); 64 KiB would be legal, and is nothing that anybody sends."""

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_V1 = b"PROXY "
_FIXED = 16

_NUMBER = re.compile(r"0|[1-9][0-9]{0,4}").fullmatch
_MAX_PORT = 65535

_LOCAL, _PROXY = 0, 1
_TCP4, _TCP6 = 0x11, 0x21
_OCTETS = {0x00: 0, _TCP4: 12, 0x12: 12, _TCP6: 36, 0x22: 36, 0x31: 216, 0x32: 216}
"""Octets of the addresses, by family and transport (section 2.2); no others are valid."""

_CRC32C, _SSL = 0x03, 0x20
_CLIENT_SSL = 0x01


class BadHeader(ValueError):
    """What came is no header; the text says why, and holds nothing that was sent."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What a load balancer has said."""

    source: str | None
    """The client's address; None: it speaks for itself (LOCAL), or cannot tell (UNKNOWN)."""
    tls: bool = False
    """The client has come to the load balancer over TLS (PP2_TYPE_SSL)."""


class HeaderReader:
    """Reads one header from as many pieces as it comes in."""

    __slots__ = ("_read", "header")

    def __init__(self) -> None:
        self._read = bytearray()
        self.header: ProxyHeader | None = None
        """Set once all of it has been taken."""

    @property
    def begun(self) -> bool:
        """Whether anything has come."""
        return bool(self._read)

    def take(self, waiting: bytes) -> int:
        """How many octets of *waiting*, the next of the connection, are the header's; these count
        as read.

        Raises:
            BadHeader: this is none.
        """
        known = bytes(self._read) + waiting
        end = _end_of_v2(known) if known[:1] == SIGNATURE[:1] else _end_of_v1(known)
        taken = min(end, len(known)) - len(self._read)
        self._read += waiting[:taken]
        if len(self._read) == end:
            whole = bytes(self._read)
            self.header = _v2(whole) if whole.startswith(SIGNATURE) else _v1(whole)
        return taken


def _end_of_v1(known: bytes) -> int:
    """Where the header ends, or may not end before (one more than is *known*)."""
    if not known.startswith(_V1[: len(known)]):
        raise BadHeader("does not begin with a PROXY header")
    end = known.find(b"\n") + 1
    if end > MAX_V1 or (not end and len(known) >= MAX_V1):
        raise BadHeader(f"a PROXY line of more than {MAX_V1} octets")
    return end or len(known) + 1


def _end_of_v2(known: bytes) -> int:
    if not known.startswith(SIGNATURE[: len(known)]):
        raise BadHeader("does not begin with a PROXY header")
    if len(known) < _FIXED:
        return _FIXED
    end = _FIXED + int.from_bytes(known[14:_FIXED], "big")
    if end > MAX_V2:
        raise BadHeader(f"a PROXY header of more than {MAX_V2} octets")
    return end


def _v1(line: bytes) -> ProxyHeader:
    """Section 2.1: one line, single spaces, numbers without leading zeros."""
    if not (line.endswith(b"\r\n") and line.isascii()):
        raise BadHeader("a PROXY line that does not end with CRLF")
    words = line[:-2].decode("ascii").split(" ")
    if words[1] == "UNKNOWN":  # what follows is to be ignored
        return ProxyHeader(None)
    kinds = {"TCP4": ipaddress.IPv4Address, "TCP6": ipaddress.IPv6Address}
    match words:
        case [_, ("TCP4" | "TCP6") as family, source, destination, *ports] if len(ports) == 2:  # noqa: PLR2004 - the source's and the destination's
            try:
                addresses = [kinds[family](text) for text in (source, destination)]
            except ValueError:
                raise BadHeader("a PROXY line with a wrong address") from None
            if not all(_NUMBER(port) and int(port) <= _MAX_PORT for port in ports):
                raise BadHeader("a PROXY line with a wrong port")
            if "%" in source:
                raise BadHeader("a PROXY line with a wrong address")
            return ProxyHeader(str(addresses[0]))
    raise BadHeader("a PROXY line that is none")


def _v2(header: bytes) -> ProxyHeader:
    """Section 2.2."""
    version, command = divmod(header[12], 16)
    if version != 2 or command not in {_LOCAL, _PROXY}:  # noqa: PLR2004 - it is version 2
        raise BadHeader("a PROXY header of an unknown version or command")
    if command == _LOCAL:  # the rest must be ignored
        return ProxyHeader(None)
    family, rest = header[13], header[_FIXED:]
    if family not in _OCTETS:
        raise BadHeader("a PROXY header of an unknown family")
    if len(rest) < _OCTETS[family]:
        raise BadHeader("a PROXY header without room for its addresses")
    values = _values(rest[_OCTETS[family] :])
    if _CRC32C in values:
        _check(header, values[_CRC32C])
    ssl = values.get(_SSL)
    return ProxyHeader(_source(family, rest), tls=bool(ssl and ssl[0] & _CLIENT_SSL))


def _source(family: int, rest: bytes) -> str | None:
    """UDP and sockets in the file system count as "cannot tell", which section 2.2 allows."""
    if family == _TCP4:
        return str(ipaddress.IPv4Address(rest[:4]))
    if family == _TCP6:
        return str(ipaddress.IPv6Address(rest[:16]))
    return None


def _values(data: bytes) -> dict[int, bytes]:
    """The TLVs by type; of several of one type, the last."""
    values: dict[int, bytes] = {}
    while data:
        octets = int.from_bytes(data[1:3], "big")
        if len(data) < 3 + octets:
            raise BadHeader("a PROXY header that cuts a value off")
        values[data[0]] = data[3 : 3 + octets]
        data = data[3 + octets :]
    return values


def _check(header: bytes, checksum: bytes) -> None:
    """Section 2.2.3: CRC32c (RFC 4960, appendix B) of the header with zeros for the checksum."""
    place = header.find(bytes((_CRC32C, 0, 4)) + checksum, _FIXED)
    blank = header[: place + 3] + bytes(4) + header[place + 7 :]
    if place < 0 or crc32c(blank) != int.from_bytes(checksum, "big"):
        raise BadHeader("a PROXY header with a wrong checksum")


def crc32c(data: bytes) -> int:
    """Castagnoli's checksum (RFC 4960, appendix B).

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for octet in data:
        crc = _TABLE[(crc ^ octet) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = tuple(map(_entry, range(256)))
