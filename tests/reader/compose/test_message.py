"""A message as it goes over the wire, read back by the standard library."""

from __future__ import annotations

import email.policy
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.addresses import Recipient
from pillarbox.reader.compose.flowed import lines_of, unflow
from pillarbox.reader.compose.message import MAX_REFERENCES, Recipients, make_message, trimmed
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.mail.letter import read_letter
from pillarbox.reader.model import Draft, File, Identity

NOW = datetime(2026, 11, 3, 10, 42, tzinfo=timezone(timedelta(hours=1)))
ME = Identity("work", "me@example.org", "Müller, Max")
ADA = Recipient("Ada Lovelace", "ada@example.org")


def made(
    draft: Draft,
    to: Recipients | None = None,
    files: tuple[tuple[File, bytes], ...] = (),
    me: Identity = ME,
) -> bytes:
    message = make_message(draft, me, to or Recipients([ADA]), files, NOW)
    assert message.endswith(b"\r\n")
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert b"\r" not in message.replace(b"\r\n", b"")
    return message


def parsed(message: bytes) -> EmailMessage:
    found = BytesParser(policy=email.policy.default).parsebytes(message)
    assert isinstance(found, EmailMessage)
    for part in found.walk():
        assert not part.defects
    return found


def test_the_header_says_who_to_whom_when_and_what() -> None:
    message = parsed(
        made(Draft("d", subject="Grüße", in_reply_to="b@x", references=("a@x", "b@x")))
    )
    assert message["from"].addresses[0].display_name == "Müller, Max"
    assert str(message["to"]) == "Ada Lovelace <ada@example.org>"
    assert message["date"].datetime == NOW
    assert message["subject"] == "Grüße"
    assert message["message-id"].endswith("@example.org>")
    assert message["in-reply-to"] == "<b@x>"
    assert message["references"] == "<a@x> <b@x>"
    assert message["mime-version"] == "1.0"


def test_two_messages_have_two_ids() -> None:
    one, two = (parsed(made(Draft("d")))["message-id"] for _ in range(2))
    assert one != two


def test_bcc_is_in_the_envelope_only() -> None:
    to = Recipients([ADA], [], [Recipient("Eve", "eve@example.org")])
    message = made(Draft("d"), to)
    assert b"eve@" not in message
    assert b"Eve" not in message
    assert to.addresses == ("ada@example.org", "eve@example.org")


def test_a_message_for_nobody_in_particular_still_has_a_to() -> None:
    message = made(Draft("d"), Recipients([], [], [ADA]))
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in message


def test_an_address_that_is_not_ascii_stands_as_it_is() -> None:
    message = made(Draft("d"), Recipients([Recipient("Jörg", "jörg@example.org")]))
    assert "<jörg@example.org>".encode() in message


def test_an_identity_without_an_address_is_refused_in_words() -> None:
    with pytest.raises(NotSendable, match="account work has to be corrected"):
        made(Draft("d"), me=Identity("work", "nobody"))


texts = st.lists(
    st.text(st.one_of(st.characters(exclude_categories=["Cs", "Cc"]), st.sampled_from("> .-F"))),
    max_size=9,
).map("\n".join)


@given(texts)
def test_what_was_typed_is_what_is_read(text: str) -> None:
    part = parsed(made(Draft("d", text=text)))
    assert part.get_content_type() == "text/plain"
    assert part.get_param("format") == "flowed"
    read = part.get_content().removesuffix("\r\n")
    assert unflow(read) == lines_of(text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "7bit"),
        ("a line " * 40, "quoted-printable"),  # its soft line ends are spaces
        ("Grüße aus Köln", "quoted-printable"),
        ("日本語のテキスト" * 20, "base64"),
        (".dot", "quoted-printable"),
        ("x" * 999, "quoted-printable"),
    ],
)
def test_the_text_survives_the_way(text: str, encoding: str) -> None:
    message = made(Draft("d", text=text))
    part = parsed(message)
    assert part["content-transfer-encoding"] == encoding
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert not any(line.startswith((b"From ", b".")) for line in message.split(b"\r\n"))


def test_a_quote_cannot_end_the_message() -> None:
    """A character reference (``&#13;``) becomes a lone CR, which some servers take for a line end: then a line with
    a dot would end the message, and what follows would be commands by the sender of what is quoted.
    """
    quote = "<p>one\r.\rMAIL FROM:&lt;me@example.org&gt;\r\n.\r\n</p>"
    message = made(Draft("d", text="yes", quote=quote))
    _, html = parsed(message).iter_parts()
    assert "MAIL FROM" in html.get_content()


def test_a_postscript_does_not_go_behind_the_quote_and_the_signature() -> None:
    """It once arrived at the very bottom, where programs fold it."""
    me = Identity("work", "me@example.org", "Max", "Max\nWork Ltd")
    draft = Draft("d", text="Hi\n\n-- \nMax\nWork Ltd\n\nP.S. Tea?\n", quote="<p>quoted</p>")
    for part in parsed(made(draft, me=me)).iter_parts():
        text = part.get_content()
        places = [text.index(word) for word in ("Hi", "P.S. Tea?", "quoted", "-- ", "Work Ltd")]
        assert places == sorted(places)


def test_a_quote_in_html_makes_two_forms_of_one_message() -> None:
    quote = "<p>On Tuesday, Ada wrote:</p><blockquote><p>1 &lt; 2</p><p>Yes</p></blockquote>"
    message = parsed(made(Draft("d", text="Hello <b>\n\n-- \nMax", quote=quote)))
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == (
        "Hello <b>\n\nOn Tuesday, Ada wrote:\n\n> 1 < 2\n>\n> Yes\n\n-- \nMax\n"
    )
    markup = html.get_content()
    assert "Hello &lt;b&gt;" in markup
    assert quote in markup
    assert markup.index("Hello") < markup.index(quote) < markup.index("Max")


@given(st.binary(max_size=500), st.text(min_size=1, max_size=60))
def test_a_file_arrives_octet_by_octet(content: bytes, name: str) -> None:
    file = File("f", name, "application/pdf", len(content))
    message = parsed(made(Draft("d", text="see"), files=((file, content),)))
    text, attached = message.iter_parts()
    assert text.get_content() == "see\r\n"
    assert attached.get_content_disposition() == "attachment"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_payload(decode=True) == content


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"Subject: x\n\nbody\n", "message/rfc822"),
        ("Subject: x\n\nGrüße\n".encode(), "message/rfc822"),
        (b"Subject: x\n\n" + b"y" * 999, "application/octet-stream"),
        (b"Subject: x\n\n\0", "application/octet-stream"),
    ],
)
def test_a_whole_message_is_not_coded_unless_it_must_be(content: bytes, media_type: str) -> None:
    file = File("f", "m.eml", "message/rfc822", len(content))
    message = BytesParser(policy=email.policy.default).parsebytes(
        made(Draft("d"), files=((file, content),))
    )
    attached = list(message.iter_parts())[1]
    assert attached.get_content_type() == media_type
    if media_type == "message/rfc822":
        assert attached["content-transfer-encoding"] in {"7bit", "8bit"}
        assert attached.get_content()["subject"] == "x"
    else:
        assert attached.get_payload(decode=True) == content


def test_a_type_with_structure_is_sent_as_any_file() -> None:
    file = File("f", "x", "multipart/mixed", 1)
    _, attached = parsed(made(Draft("d"), files=((file, b"x"),))).iter_parts()
    assert attached.get_content_type() == "application/octet-stream"


def test_of_many_references_the_first_and_the_last_stay() -> None:
    ids = [f"{number}@x" for number in range(100)]
    assert trimmed(ids) == [ids[0], *ids[-MAX_REFERENCES + 1 :]]


@pytest.mark.parametrize("bad", ["", "a b@x", "a>\r\nBcc: <eve@x", "ü@x", "x" * 300, "a<b@x"])
def test_a_reference_that_would_break_the_field_is_left_out(bad: str) -> None:
    message = parsed(made(Draft("d", in_reply_to=bad, references=("a@x", bad))))
    assert message["in-reply-to"] is None
    assert message["references"] == "<a@x>"


words = st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1, max_size=30)


@given(
    st.lists(words, max_size=8).map(" ".join), st.lists(words, min_size=1, max_size=3).map(" ".join)
)
def test_the_reader_itself_reads_what_was_written(subject: str, name: str) -> None:
    letter = read_letter(
        made(Draft("d", subject=subject), Recipients([Recipient(name, "a@x.example")]))
    )
    assert letter.subject == subject
    assert [(one.name, one.address) for one in letter.to] == [(name, "a@x.example")]
    assert (letter.date, letter.flowed) == (NOW, True)
