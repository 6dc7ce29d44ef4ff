"""MAIL and RCPT: syntax, international addresses, domains, the directory's silence."""

from __future__ import annotations

import pytest

from pillarbox.delivery.address import plain_path
from tests.delivery.office import Office, office


async def rcpt(place: Office, path: str, parameters: str = "") -> str:
    line = await place.call()
    await line.say("MAIL FROM:<a@b.example>" + parameters)
    return await line.say(f"RCPT TO:{path}")


@pytest.mark.parametrize(
    "path",
    [
        "<alice@example.org>",
        "<ALICE@EXAMPLE.ORG>",
        "<alice+phone@example.org>",
        '<"alice"@example.org>',
        " <alice@example.org>",
        "<alice@example.org.>",
        "alice@example.org",
    ],
)
async def test_ways_to_write_an_address(either: Office, path: str) -> None:
    assert (await rcpt(either, path)).startswith("250 2.1.5")


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("<nobody@example.org>", "550 5.1.1"),
        ("<>", "553 5.1.3"),
        ("<alice@example.org", "553 5.1.3"),
        ('<"a>b"@example.org', "553 5.1.3"),
        ("<@example.org>", "553 5.1.3"),
        ("", "501 5.5.4"),
        ("<alice@example.org> NOTIFY=NEVER", "555 5.5.4"),
        ("<" + "a" * 400 + "@example.org>", "553 5.1.3"),
        ("<\u00e4@example.org>", "553 5.6.7"),
        ("<alice@b\u00fccher.example>", "553 5.6.7"),
        ("<a\u2028b@example.org>", "553 5.1.3"),
    ],
)
async def test_recipients_that_are_refused(either: Office, path: str, reply: str) -> None:
    assert (await rcpt(either, path)).startswith(reply)
    assert either.store.calls == []


@pytest.mark.parametrize(
    ("path", "reply"),
    [
        ("<>", "250 2.1.0"),
        ("<root>", "250 2.1.0"),
        ("<a@b.example", "553 5.1"),
        ("<a@b.example SIZE=10", "553 5.1"),
        ("<\u00e4@b.example>", "553 5.6.7"),
        ("<\u00e4@b.example> SMTPUTF8", "250 2.1.0"),
        ("<a\u0085b@b.example> SMTPUTF8", "553 5.1.7"),
        ("<a@b.example> BODY=8BITMIME", "250 2.1.0"),
        ("<a@b.example> body=8bitmime size=10", "250 2.1.0"),
        ("<a@b.example> BODY=BINARYMIME", "501 5.5.4"),
        ("<a@b.example> AUTH=<>", "555 5.5.4"),
        ("<a@b.example> RET=HDRS", "555 5.5.4"),
        ("", "501 5.5.4"),
    ],
)
async def test_senders(either: Office, path: str, reply: str) -> None:
    line = await either.call()
    assert (await line.say(f"MAIL FROM:{path}")).startswith(reply)


@pytest.mark.parametrize("domain", ["b\u00fccher.example", "xn--bcher-kva.example"])
async def test_an_international_domain_in_either_form(domain: str) -> None:
    async with office("smtp", domains=("example.org", "b\u00fccher.example")) as place:
        assert (await rcpt(place, f"<alice@{domain}>", " SMTPUTF8")).startswith("250")


async def test_a_domain_configured_in_capitals_and_with_a_final_dot() -> None:
    async with office("smtp", domains=("Example.ORG.",)) as place:
        assert (await rcpt(place, "<alice@example.org>")).startswith("250")


async def test_an_international_sender_is_in_the_return_path(either: Office) -> None:
    line = await either.call()
    await line.say("MAIL FROM:<j\u00fcrgen@b.example> SMTPUTF8")
    await line.say("RCPT TO:<alice@example.org>")
    await line.message(b"Subject: x\r\n\r\n.\r\n")
    (message,) = await either.mail("alice")
    assert message.startswith("Return-Path: <j\u00fcrgen@b.example>\r\n".encode())
    assert await either.international("alice") == [True]


async def test_the_directory_down_is_temporary(either: Office) -> None:
    either.phonebook.down = True
    assert (await rcpt(either, "<alice@example.org>")).startswith("451 4.3.0")
    assert either.ledger.deliveries == [(either.door, "deferred")]


async def test_rcpt_before_mail_and_mail_twice(either: Office) -> None:
    line = await either.call()
    await line.ask("""
        C: RCPT TO:<alice@example.org>
        S: 503 5.5.1
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1
        C: RSET
        S: 250 2.0.0
        C: RCPT TO:<alice@example.org>
        S: 503 5.5.1
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0
    """)


async def test_one_recipient_too_many_is_for_the_next_transaction() -> None:
    """RFC 5321, section 4.5.3.1.10: 452, and those accepted before get their mail."""
    async with office("lmtp", recipients=100) as place:
        line = await place.addressed(*["alice@example.org"] * 100)
        assert (await line.say("RCPT TO:<bob@example.org>")).startswith("452 4.5.3")
        answers = await line.message(b"\r\n.\r\n", answers=100)
        assert {a[:3] for a in answers} == {"250"}


@pytest.mark.parametrize("path", ["<Postmaster@example.org>", "<postmaster>"])
async def test_the_operator_is_told_that_there_is_no_postmaster(
    smtp: Office, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """RFC 5321, section 4.5.1: there must be one."""
    assert (await rcpt(smtp, path)).startswith("550 5.1.1")
    assert "pillarbox user add postmaster" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a@b.example>", ("a@b.example", "")),
        ("<a.b+c@b-d.example> SIZE=1 X", ("a.b+c@b-d.example", "SIZE=1 X")),
        ("<a@b.example>SIZE=1", None),
        ("<a..b@b.example>", None),
        ("<a@b..example>", None),
        ("<@x:a@b.example>", None),
        ("<a@b.example", None),
        ("<>", None),
    ],
)
def test_the_quick_way_takes_only_what_is_plain(text: str, found: tuple[str, str] | None) -> None:
    assert plain_path(text) == found
