"""The PROXY protocol's header, from its specification (``proxy-protocol.txt``): sections 2.1, 2.2."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.proxy_header import (
    MAX_V1,
    MAX_V2,
    BadHeader,
    HeaderReader,
    ProxyHeader,
    crc32c,
)

SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")
TCP4 = ipaddress.IPv4Address("192.0.2.7").packed + ipaddress.IPv4Address("10.0.0.1").packed
TCP6 = ipaddress.IPv6Address("2001:db8::7").packed + ipaddress.IPv6Address("2001:db8::1").packed
PORTS = (49152).to_bytes(2, "big") + (995).to_bytes(2, "big")


def v2(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes((0x20 | command, family)) + len(rest).to_bytes(2, "big") + rest


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


def read(data: bytes, chunk: int = 0) -> tuple[ProxyHeader | None, bytes]:
    """The header, and what was left for whoever comes next; *data* arrives in pieces of *chunk*."""
    reader, size = HeaderReader(), chunk or max(1, len(data))
    waiting = b""
    for start in range(0, len(data), size):
        waiting += data[start : start + size]
        while reader.header is None and waiting:
            taken = reader.take(waiting)
            assert 0 < taken <= len(waiting), "what may be no header's must not be kept waiting"
            waiting = waiting[taken:]
    return reader.header, waiting


LINES = [
    # The specification's own, section 2.1: the longest ones, and the examples.
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    (
        b"PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n".replace(
            b"ffff:f...f:ffff", b":".join([b"ffff"] * 8)
        ),
        ":".join(["ffff"] * 8),
    ),
    (b"PROXY UNKNOWN\r\n", None),
    (
        b"PROXY UNKNOWN "
        + b":".join([b"ffff"] * 8)
        + b" "
        + b":".join([b"ffff"] * 8)
        + b" 65535 65535\r\n",
        None,
    ),
    (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1"),
    (b"PROXY TCP6 2001:db8::7 ::1 0 0\r\n", "2001:db8::7"),
]


@pytest.mark.parametrize(("line", "source"), LINES)
@pytest.mark.parametrize("behind", [b"", b"\x16\x03\x01", b"CAPA\r\nQUIT\r\n"])
def test_a_line_and_not_an_octet_of_what_follows(
    line: bytes, source: str | None, behind: bytes
) -> None:
    assert len(line) <= MAX_V1
    for chunk in range(1, len(line + behind) + 1):
        assert read(line + behind, chunk) == (ProxyHeader(source), behind)


HEADERS = [
    (v2(1, 0x11, TCP4 + PORTS), ProxyHeader("192.0.2.7")),
    (v2(1, 0x21, TCP6 + PORTS), ProxyHeader("2001:db8::7")),
    # LOCAL: the rest must be ignored, whatever it is.
    (v2(0, 0x00, b""), ProxyHeader(None)),
    (v2(0, 0x11, TCP4 + PORTS), ProxyHeader(None)),
    (v2(0, 0x99, b"\xff" * 33), ProxyHeader(None)),
    # What a receiver does not support falls back to "unspecified".
    (v2(1, 0x00, b""), ProxyHeader(None)),
    (v2(1, 0x12, TCP4 + PORTS), ProxyHeader(None)),
    (v2(1, 0x22, TCP6 + PORTS), ProxyHeader(None)),
    (v2(1, 0x31, bytes(216)), ProxyHeader(None)),
    (v2(1, 0x32, bytes(216)), ProxyHeader(None)),
    # Values: ALPN, NOOP, SSL with and without PP2_CLIENT_SSL.
    (v2(1, 0x11, TCP4 + PORTS + tlv(1, b"pop3") + tlv(4, b"")), ProxyHeader("192.0.2.7")),
    (
        v2(1, 0x11, TCP4 + PORTS + tlv(0x20, b"\x01\0\0\0\0" + tlv(0x21, b"TLSv1.3"))),
        ProxyHeader("192.0.2.7", tls=True),
    ),
    (v2(1, 0x11, TCP4 + PORTS + tlv(0x20, b"\x06\0\0\0\0")), ProxyHeader("192.0.2.7")),
    (v2(1, 0x11, TCP4 + PORTS + tlv(0x20, b"")), ProxyHeader("192.0.2.7")),
    (v2(0, 0x11, TCP4 + PORTS + tlv(0x20, b"\x01\0\0\0\0")), ProxyHeader(None)),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
@pytest.mark.parametrize("behind", [b"", b"\x16\x03\x01", b"CAPA\r\nQUIT\r\n"])
def test_a_header_and_not_an_octet_of_what_follows(
    header: bytes, expected: ProxyHeader, behind: bytes
) -> None:
    for chunk in range(1, len(header + behind) + 1):
        assert read(header + behind, chunk) == (expected, behind)


@pytest.mark.parametrize(
    "data",
    [
        b"CAPA\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\n",
        b"proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY\r\n",
        b"PROXY  TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
        b"PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 \r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 2\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 \xd9\xa1 2\r\n",
        b"PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 192.0.2.7 localhost 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 fe80::1%peer=192.0.2.1 ::1 1 2\r\n",
        b"PROXY UNKNOWN " + b"x" * MAX_V1,
        b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 15) + b"\r\n",
        SIGNATURE[:-1] + b"\0",
        SIGNATURE + b"\x11\x11\0\x0c" + TCP4 + PORTS,
        v2(2, 0x11, TCP4 + PORTS),
        v2(1, 0x10, TCP4 + PORTS),
        v2(1, 0x41, TCP4 + PORTS),
        v2(1, 0x13, TCP4 + PORTS),
        v2(1, 0x11, TCP4),
        v2(1, 0x21, TCP4 + PORTS),
        v2(1, 0x31, bytes(215)),
        v2(1, 0x11, TCP4 + PORTS + b"\x01"),
        v2(1, 0x11, TCP4 + PORTS + b"\x01\0\x05pop3"),
        SIGNATURE + b"\x21\x11\xff\xff",
        v2(0, 0x00, bytes(MAX_V2 - 15)),
        v2(1, 0x11, TCP4 + PORTS + tlv(3, b"\0\0\0\0")),
        v2(1, 0x11, TCP4 + PORTS + tlv(3, b"")),
    ],
)
def test_what_is_no_header(data: bytes) -> None:
    for chunk in range(1, len(data) + 1):
        with pytest.raises(BadHeader) as refused:
            read(data, chunk)
        assert "192" not in str(refused.value), "what was sent must not be quoted"


def test_the_longest_headers_are_taken() -> None:
    whole = v2(0, 0x00, bytes(MAX_V2 - 16))
    assert read(whole + b"x") == (ProxyHeader(None), b"x")


def test_a_checksum_is_checked() -> None:
    """Section 2.2.3; the value for "123456789" is that of every table of CRCs."""
    assert crc32c(b"123456789") == 0xE3069283
    blank = v2(1, 0x11, TCP4 + PORTS + tlv(3, bytes(4)) + tlv(1, b"pop3"))
    place = len(blank) - len(tlv(1, b"pop3")) - 4
    right = blank[:place] + crc32c(blank).to_bytes(4, "big") + blank[place + 4 :]
    assert read(right) == (ProxyHeader("192.0.2.7"), b"")
    with pytest.raises(BadHeader, match="checksum"):
        read(right[:16] + bytes((right[16] ^ 1,)) + right[17:])


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
ports = st.integers(0, 65535)


@given(st.ip_addresses(v=4), ports, st.binary(max_size=20), st.integers(1, 40))
def test_any_ipv4_in_either_version(
    source: ipaddress.IPv4Address, port: int, behind: bytes, chunk: int
) -> None:
    one = f"PROXY TCP4 {source} 127.0.0.1 {port} 995\r\n".encode()
    two = v2(1, 0x11, source.packed + bytes(4) + port.to_bytes(2, "big") * 2)
    for header in (one, two):
        assert read(header + behind, chunk) == (ProxyHeader(str(source)), behind)


@given(st.ip_addresses(v=6), ports, st.binary(max_size=20), st.integers(1, 60))
def test_any_ipv6_in_either_version(
    source: ipaddress.IPv6Address, port: int, behind: bytes, chunk: int
) -> None:
    one = f"PROXY TCP6 {source} ::1 {port} 995\r\n".encode()
    two = v2(1, 0x21, source.packed + bytes(16) + port.to_bytes(2, "big") * 2)
    for header in (one, two):
        assert read(header + behind, chunk) == (ProxyHeader(str(source)), behind)


@given(
    st.one_of(
        st.binary(),
        st.binary().map(SIGNATURE.__add__),
        st.binary(max_size=300).map(lambda rest: v2(1, 0x11, rest)),
        st.text("PROXY TC46UNKW0123.:f\r\n").map(lambda text: f"PROXY {text}\r\n".encode()),
    ),
    st.integers(1, 50),
)
def test_rubbish_is_refused_or_bounded_and_the_pieces_make_no_difference(
    data: bytes, chunk: int
) -> None:
    def outcome(size: int) -> object:
        try:
            return read(data, size)
        except BadHeader as error:
            return str(error)

    whole = outcome(0)
    assert outcome(chunk) == whole
    if isinstance(whole, tuple) and whole[0] is None:
        assert len(data) < MAX_V2
