"""Command lines good and bad, pipelining, and every reply's enhanced code (RFC 2034, 2920)."""

from __future__ import annotations

import re

import pytest

from pillarbox.delivery import replies
from pillarbox.delivery.commands import COMMAND_OCTETS
from tests.delivery.office import Office


@pytest.mark.parametrize(
    ("raw", "reply"),
    [
        (b"NOOP\n", "500 5.5.2"),
        (b"NO\0OP\r\n", "500 5.5.2"),
        (b"NOOP \x1b[2J\r\n", "500 5.5.2"),
        (b"MAIL FROM:<a\rb@c.example>\r\n", "500 5.5.2"),
        (b"\xff\xfe\r\n", "500 5.5.2"),
        (b"MAIL FROM:<\xff@b.example> SMTPUTF8\r\n", "500 5.5.2"),
        (b"\r\n", "500 5.5.1"),
        (b"FROBNICATE\r\n", "500 5.5.1"),
        (b"BDAT 10 LAST\r\n", "502 5.5.1"),
        (b"EXPN staff\r\n", "502 5.5.1"),
        (b"ETRN example.org\r\n", "502 5.5.1"),
        (b"VRFY alice@example.org\r\n", "252 2.0.0"),
        (b"VRFY nobody@example.org\r\n", "252 2.0.0"),
        (b"NOOP\r\n", "250 2.0.0"),
        (b"noop with words\r\n", "250 2.0.0"),
        (b"RSET\r\n", "250 2.0.0"),
        (b"RSET x\r\n", "501 5.5.4"),
        (b"QUIT x\r\n", "501 5.5.4"),
        (b"DATA\r\n", "503 5.5.1"),
        (b"HELP\r\n", "214 2.0.0"),
        (b"STARTTLS\r\n", "502 5.5.1"),
        (b"NOOP " + b"x" * (COMMAND_OCTETS - 7) + b"\r\n", "250 2.0.0"),
        (b"NOOP " + b"x" * (COMMAND_OCTETS - 6) + b"\r\n", "500 5.5.2"),
        (b"x" * 60_000 + b"\r\n", "500 5.5.2"),
    ],
)
async def test_one_line_and_its_reply(either: Office, raw: bytes, reply: str) -> None:
    line = await either.call()
    await line.send(raw)
    got = await line.reply()
    assert got.startswith(reply + " ")
    assert (await line.say("NOOP")).startswith("250"), "in step afterwards"


async def test_a_megabyte_without_a_line_end_ends_the_session(either: Office) -> None:
    line = await either.call()
    line.writer.write(b"x" * 1_000_000)
    try:
        assert (await line.reply()).startswith("500 5.5.2")
    except ConnectionResetError:
        return  # the kernel threw the reply away together with what was still on its way
    assert await line.ended()


@pytest.mark.parametrize(
    "first",
    [b"POST / HTTP/1.1", b"GET / HTTP/1.1", b"Host: localhost:24", b"Content-Type: text/plain"],
)
async def test_a_browser_is_hung_up_on(either: Office, first: bytes) -> None:
    """A web page that posts a form to this port delivers no mail."""
    line = await either.call(greeted=False)
    await line.reply()
    hello = b"LHLO" if either.door == "lmtp" else b"EHLO"
    await line.send(
        first + b"\r\n" + hello + b" x\r\nMAIL FROM:<a@b.example>\r\n"
        b"RCPT TO:<alice@example.org>\r\nDATA\r\n\r\n.\r\n"
    )
    assert (await line.reply()).startswith("421 4.7.0")
    assert await line.ended()
    assert either.store.calls == []


async def test_a_tls_hello_on_the_cleartext_port(either: Office) -> None:
    line = await either.call(greeted=False)
    await line.reply()
    await line.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert (await line.reply()).startswith("421 4.7.0")
    assert await line.ended()


async def test_a_whole_session_in_one_write(either: Office) -> None:
    """RFC 2920: replies come in order, and nothing sent ahead is lost."""
    line = await either.call(greeted=False)
    hello = b"LHLO" if either.door == "lmtp" else b"EHLO"
    one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n%d\r\n.\r\n"
    await line.send(hello + b" x\r\n" + one % 1 + one % 2 + b"QUIT\r\n")
    codes = [(await line.reply())[:3] for _ in range(11)]
    assert codes == ["220", "250", *["250", "250", "354", "250"] * 2, "221"]
    assert await line.ended()
    assert len(await either.mail("alice")) == 2


async def test_nothing_sent_behind_quit_is_done(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    await line.send(b"QUIT\r\nDATA\r\nx\r\n.\r\n")
    assert (await line.reply()).startswith("221")
    assert await line.ended()
    assert either.store.calls == []


async def test_commands_before_the_greeting_command(either: Office) -> None:
    line = await either.call(greeted=False)
    await line.reply()
    for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.org>", "DATA"):
        assert (await line.say(command)).startswith("503 5.5.1")
    assert (await line.say("EHLO" if either.door == "smtp" else "LHLO")).startswith("501 5.5.4")
    assert (await line.say("NOOP")).startswith("250")


async def test_a_second_greeting_command_forgets_the_transaction(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    await line.say("EHLO again" if either.door == "smtp" else "LHLO again")
    assert (await line.say("DATA")).startswith("503 5.5.1")


async def test_an_unforeseen_error_is_temporary_and_tells_nothing(
    either: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(address: str) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(either.phonebook, "find", fail)
    line = await either.addressed()
    answer = await line.say("RCPT TO:<alice@example.org>")
    assert answer.startswith("451 4.3.0")
    assert "secret" not in answer
    assert (await line.say("NOOP")).startswith("250")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("250 OK", "250 2.0.0 OK"),
        ("501 Syntax: DATA", "501 5.5.4 Syntax: DATA"),
        ("553 5.1.3 Error: malformed address", "553 5.1.3 Error: malformed address"),
        ("599 new", "599 5.0.0 new"),
        ("354 go", "354 go"),
    ],
)
def test_enhanced_codes_are_added_where_missing(given: str, sent: str) -> None:
    assert replies.with_enhanced_code(given) == sent


def test_every_reply_s_enhanced_code_is_of_its_class() -> None:
    table = [value for value in vars(replies).values() if isinstance(value, replies.Reply)]
    assert len(table) > 40
    for reply in table:
        assert re.fullmatch(rf"{reply.code // 100}\.\d{{1,3}}\.\d{{1,3}}", reply.enhanced)
        assert str(reply).isascii()
        assert len(str(reply)) + 2 <= 512, "RFC 5321, section 4.5.3.1.5"
