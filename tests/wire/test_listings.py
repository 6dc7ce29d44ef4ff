"""STAT, LIST, UIDL and CAPA: RFC 1939 sections 5 and 7, RFC 2449 section 3, and what servers send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.errors import RemoteProtocolError
from pillarbox.wire.listings import (
    Scan,
    Stat,
    UniqueId,
    parse_capabilities,
    parse_scan,
    parse_scans,
    parse_stat,
    parse_unique_id,
    parse_unique_ids,
)


@pytest.mark.parametrize(
    ("text", "stat"),
    [
        (b"2 320", Stat(2, 320)),
        (b"0 0", Stat(0, 0)),
        (b"  2\t320  ", Stat(2, 320)),
        (b"2 320 octets in 2 messages", Stat(2, 320)),
        (b"2 -1", Stat(2, 0)),
        (b"2", Stat(2, 0)),
        (b"2 many", Stat(2, 0)),
        (b"9999999999 9223372036854775807", Stat(9_999_999_999, 9_223_372_036_854_775_807)),
        (b"1 " + b"9" * 5000, Stat(1, 0)),
    ],
)
def test_stat(text: bytes, stat: Stat) -> None:
    assert parse_stat(text) == stat


@pytest.mark.parametrize(
    "text", [b"", b" ", b"octets 120", b"-1 0", b"\xb2 3", b"2,320", b"9" * 11, b"1.5 3"]
)
def test_what_is_no_drop_listing(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_stat(text)


SCANS = [
    (b"1 120", Scan(1, 120)),
    (b"1  120", Scan(1, 120)),
    (b"1\t120 ", Scan(1, 120)),
    (b" 12 120", Scan(12, 120)),
    (b"007 120", Scan(7, 120)),
    (b"1 120 octets", Scan(1, 120)),
    (b"1 -2147483648", Scan(1, 0)),
    (b"1 9223372036854775807", Scan(1, 2**63 - 1)),
    (b"1 9223372036854775808", Scan(1, 0)),
    (b"1 99999999999999999999", Scan(1, 0)),
    (b"1", Scan(1, 0)),
    (b"1 x", Scan(1, 0)),
]
UNIQUE_IDS = [
    (b"1 whqtswO00WBw418f9t5JxYwZ", UniqueId(1, "whqtswO00WBw418f9t5JxYwZ")),
    (b"2   QhdPYR:00WBw1Ph7x7 ", UniqueId(2, "QhdPYR:00WBw1Ph7x7")),
    (b"3\tabc", UniqueId(3, "abc")),
    (b"4 " + b"x" * 300, UniqueId(4, "x" * 300)),
    (b"5 a b", UniqueId(5, "a b")),
    (b"6 \xe4\xff", UniqueId(6, "äÿ")),
    (b"7", UniqueId(7, "")),
    (b"8 ", UniqueId(8, "")),
    (b"9 9", UniqueId(9, "9")),
]
JUNK = [b"x 120", b"0 120", b"-1 120", b"*", b"99999999999 1", b"\xb2 1", b"+OK"]


@pytest.mark.parametrize(("line", "scan"), SCANS)
def test_a_line_of_list(line: bytes, scan: Scan) -> None:
    assert parse_scan(line) == scan


@pytest.mark.parametrize(("line", "unique_id"), UNIQUE_IDS)
def test_a_line_of_uidl(line: bytes, unique_id: UniqueId) -> None:
    assert parse_unique_id(line) == unique_id


@pytest.mark.parametrize("line", [*JUNK, b"", b"  "])
def test_a_single_reply_without_a_number_is_an_error(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_scan(line)
    with pytest.raises(RemoteProtocolError):
        parse_unique_id(line)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_junk_is_counted_and_the_rest_is_kept(end: bytes) -> None:
    scans = end.join([*(line for line, _ in SCANS), b"", *JUNK, b" "]) + end
    assert parse_scans(scans) == ([scan for _, scan in SCANS], len(JUNK))
    unique_ids = end.join([*JUNK, *(line for line, _ in UNIQUE_IDS), b""]) + end
    assert parse_unique_ids(unique_ids) == ([entry for _, entry in UNIQUE_IDS], len(JUNK))


def test_nothing_is_an_empty_listing() -> None:
    assert parse_scans(b"") == ([], 0)
    assert parse_unique_ids(b"") == ([], 0)
    assert parse_capabilities(b"") == {}


def test_the_same_number_or_id_twice_is_for_the_caller_to_judge() -> None:
    listed = parse_unique_ids(b"1 a\r\n1 b\r\n2 a\r\n").entries
    assert listed == [(1, "a"), (1, "b"), (2, "a")]


def test_capabilities() -> None:
    content = (
        b"TOP\r\nsasl PLAIN  SCRAM-SHA-256\r\nLOGIN-DELAY 900 USER\r\n\r\n"
        b"IMPLEMENTATION Shlemazle-Plotz-v302 \xff\nSASL XOAUTH2\r\n"
    )
    assert parse_capabilities(content) == {
        "TOP": (),
        "SASL": ("PLAIN", "SCRAM-SHA-256", "XOAUTH2"),
        "LOGIN-DELAY": ("900", "USER"),
        "IMPLEMENTATION": ("Shlemazle-Plotz-v302", "\ufffd"),
    }


@given(st.binary(max_size=200))
def test_whatever_comes_nothing_breaks(content: bytes) -> None:
    lines = [line for line in content.split(b"\n") if line.strip()]
    for entries, junk in (parse_scans(content), parse_unique_ids(content)):
        assert len(entries) + junk == len(lines)
    assert all(keyword == keyword.upper() for keyword in parse_capabilities(content))
