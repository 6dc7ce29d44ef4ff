"""Return-Path and Received: RFC 5321, section 4.4; RFC 3848; RFC 6531, section 4.3."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime

import pytest

from pillarbox.delivery import trace
from pillarbox.delivery.replies import Refused
from tests.delivery.office import Office, body_of, office

MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def hop(**changes: str | None) -> trace.Hop:
    facts: dict[str, str | None] = {
        "helo": "client.example",
        "peer": "192.0.2.7",
        "hostname": "mail.example.org",
        "protocol": "ESMTP",
        "identifier": "abc",
        "recipient": None,
    }
    return trace.Hop(moment=MOMENT, **{**facts, **changes})  # type: ignore[arg-type]


def test_the_fields() -> None:
    assert trace.fields("jane@example.net", hop(recipient="alice@example.org")) == (
        b"Return-Path: <jane@example.net>\r\n"
        b"Received: from client.example ([192.0.2.7])\r\n"
        b"\tby mail.example.org with ESMTP id abc\r\n"
        b"\tfor <alice@example.org>;\r\n"
        b"\tTue, 03 Feb 2026 04:05:06 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("peer", "literal"), [("2001:db8::1", b"([IPv6:2001:db8::1])"), ("unix", b"(unix)")]
)
def test_address_literals(peer: str, literal: bytes) -> None:
    assert literal in trace.fields("", hop(peer=peer))


@pytest.mark.parametrize(
    "helo",
    [
        "x\r\nBcc: evil@x.example",
        "x) (comment",
        'a"b\\c',
        "with ESMTP; Mon",
        "\u2028",
        "b\u00fccher.example",
        "x" * 5000,
        "",
    ],
)
def test_what_the_client_calls_itself_cannot_add_or_break_a_field(helo: str) -> None:
    fields = trace.fields("", hop(helo=helo))
    assert fields.isascii()
    assert len(fields.split(b"\r\n")) == 5
    assert max(map(len, fields.split(b"\r\n"))) <= 998
    name = re.search(rb"from (\S+) \(\[192\.0\.2\.7\]\)\r\n", fields)
    assert name
    assert not set(name[1]) & set(b'()<>;"\\,')
    assert message_from_bytes(fields).keys() == ["Return-Path", "Received"]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"", b""),
        (b"\r\nbody\r\n", b""),
        (b"\nbody\r\n", b""),
        (b"A: b\r\n\r\nbody\r\n", b"A: b\r\n"),
        (b"A: b\n\nbody\r\n", b"A: b\n"),
        (b"A: b\r\n\nbody\r\n", b"A: b\r\n"),
        (b"A: b\r\n", b"A: b\r\n"),
    ],
)
def test_where_the_header_ends(content: bytes, header: bytes) -> None:
    got = trace.split_header(content, 1000)
    assert got == (header, content[len(header) :])


def test_the_header_limit_to_the_octet() -> None:
    """CVE-2024-23184, CVE-2024-23185."""
    header = b"A: " + b"x" * 95 + b"\r\n"
    assert len(header) == 100
    assert trace.split_header(header + b"\r\nbody", 100)[0] == header
    for rest in (b"", b"\r\nbody"):
        with pytest.raises(Refused) as refused:
            trace.split_header(b"x" + header + rest, 100)
        assert refused.value.reply.code == 552


@pytest.mark.parametrize(
    ("header", "left"),
    [
        (b"Return-Path: <x@y>\r\nA: b\r\n", b"A: b\r\n"),
        (b"A: b\r\nRETURN-path : <x@y>\r\n\tfolded\r\n folded\r\nC: d\r\n", b"A: b\r\nC: d\r\n"),
        (b"Return-Path: <1>\r\nReturn-Path: <2>\r\n", b""),
        (b"Return-Path: <1>\nA: b\n", b"A: b\n"),
        (b"X-Return-Path: <1>\r\n Return-Path: <2>\r\n", None),
        (b"Return-Paths: <1>\r\n", None),
    ],
)
def test_return_path_fields_are_removed_and_nothing_else(header: bytes, left: bytes | None) -> None:
    assert trace.without_return_path(header) == (header if left is None else left)


async def test_a_message_is_otherwise_untouched(either: Office) -> None:
    content = (
        b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        b"Return-Path: <other@elsewhere.example>\r\n"
        b"Subject: =?utf-8?q?x?=  \r\n\tfolded \r\nnot a field\r\n"
        b"\r\nReturn-Path: <in the body>\r\n \r\n"
    )
    line = await either.addressed("alice@example.org")
    assert (await line.message(content + b".\r\n"))[0].startswith("250")
    (message,) = await either.mail("alice")
    expected = content.replace(b"Return-Path: <other@elsewhere.example>\r\n", b"")
    assert body_of(message) == expected
    assert message.startswith(b"Return-Path: <sender@example.net>\r\nReceived: from client.example")


async def test_the_recipient_is_named_only_when_alone(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    await line.message(b"\r\n.\r\n")
    await line.say("MAIL FROM:<>")
    await line.say("RCPT TO:<alice@example.org>")
    await line.say("RCPT TO:<bob@example.org>")
    await line.message(b"\r\n.\r\n", answers=2 if either.door == "lmtp" else 1)
    alone, together = await either.mail("alice")
    assert b"\r\n\tfor <alice@example.org>;\r\n" in alone
    assert b"for <" not in together
    assert together.startswith(b"Return-Path: <>\r\n")


async def test_received_says_how_and_when_and_under_which_id(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    (answer,) = await line.message(b"\r\n.\r\n")
    (message,) = await either.mail("alice")
    received = message_from_bytes(message)["Received"]
    protocol = {"lmtp": "LMTP", "smtp": "ESMTP"}[either.door]
    found = re.search(rf"by mail\.example\.org with {protocol} id ([0-9a-f]+)\s", received)
    assert found
    assert answer.endswith(f"stored as {found[1]}")
    assert "from client.example ([127.0.0.1])" in received
    moment = parsedate_to_datetime(received.rpartition(";")[2])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 3600


async def test_plain_helo_is_smtp(smtp: Office) -> None:
    line = await smtp.call(greeted=False)
    await line.reply()
    for command in ("HELO x", "MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.org>"):
        assert (await line.say(command)).startswith("250")
    await line.message(b"\r\n.\r\n")
    assert b" with SMTP id " in (await smtp.mail("alice"))[0]


async def test_a_hundred_hops_are_a_journey_and_one_more_is_a_loop(either: Office) -> None:
    """RFC 5321, section 6.3."""
    field = b"Received: from a\r\n\tby b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    line = await either.addressed("alice@example.org")
    body = b"\r\n" + field * 200
    assert (await line.message(field * 100 + body + b".\r\n"))[0].startswith("250")
    await line.say("MAIL FROM:<a@b.example>")
    await line.say("RCPT TO:<alice@example.org>")
    assert (await line.message(field * 101 + body + b".\r\n"))[0].startswith("554 5.4.6")


async def test_a_header_over_the_limit_is_refused() -> None:
    async with office("lmtp", max_header_octets=1000) as place:
        line = await place.addressed("alice@example.org", "bob@example.org")
        answers = await line.message(b"To: a@b.example,\r\n " * 100 + b"\r\n\r\n.\r\n", answers=2)
        assert [a[:9] for a in answers] == ["552 5.3.4"] * 2


@pytest.mark.parametrize(
    ("parameter", "header", "flag"),
    [
        (" SMTPUTF8", "Subject: Grüße", True),
        (" SMTPUTF8", "Subject: hello", False),
        ("", "Subject: Grüße", False),
        ("", "Subject: hello", False),
    ],
)
async def test_international_is_what_says_so_and_is(
    either: Office, parameter: str, header: str, flag: bool
) -> None:
    """RFC 6531 parameter and RFC 6532 content, both."""
    line = await either.call()
    await line.say("MAIL FROM:<a@b.example>" + parameter)
    await line.say("RCPT TO:<alice@example.org>")
    (answer,) = await line.message(f"{header}\r\n\r\nKörper\r\n.\r\n".encode())
    assert answer.startswith("250")
    assert await either.international("alice") == [flag]
    (message,) = await either.mail("alice")
    assert (b" with UTF8" + either.door.upper().encode() in message) == bool(parameter)
