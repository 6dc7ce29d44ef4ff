"""Drafts of messages, messages of drafts, and back."""

from __future__ import annotations

import email.policy
import json
from dataclasses import dataclass, replace
from datetime import UTC
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, cast

import pytest

from pillarbox.reader.compose import draft_file
from pillarbox.reader.compose.drafts import open_drafts
from pillarbox.reader.compose.writing import Writing
from pillarbox.reader.errors import (
    LibraryUnusable,
    NoSuchDraft,
    NoSuchMessage,
    NotSendable,
    TooLate,
    WrongFields,
)
from pillarbox.reader.mail.letter import read_letter
from pillarbox.reader.model import Draft, MessageKey, Settings
from tests.reader.compose.outboxes import HeldOutbox
from tests.reader.compose.people import HOME, NOW, WORK, FixedAccounts, Shelf


class Bench:
    """All that writing stands on."""

    def __init__(self, folder: Path, accounts: FixedAccounts) -> None:
        self.folder, self.accounts = folder, accounts
        self.outbox = HeldOutbox()
        self.library = Shelf()
        self.drafts = open_drafts(
            folder / "drafts", outbox=self.outbox, tell=lambda _: None, clock=lambda: NOW
        )
        self.writing = Writing(
            accounts=cast("Any", accounts),
            library=cast("Any", self.library),
            drafts=self.drafts,
            outbox=self.outbox,
            settings=Settings(),
            clock=lambda: NOW,
            zone=UTC,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, FixedAccounts(WORK, HOME))


PLAIN = (
    b"From: Ada Lovelace <ada@x.example>\nTo: max@home.example, bob@x.example\nSubject: Tea\n"
    b"Date: Tue, 3 Nov 2026 10:42:00 +0000\nMessage-ID: <2@x.example>\nReferences: <1@x.example>\n"
    b"Content-Type: text/plain; format=flowed\n\nShall we \nhave tea?\n-- \nAda\n"
)
HTML = (
    b"From: Ada <ada@x.example>\nTo: max@work.example\nSubject: Tea\nMessage-ID: <2@x.example>\n"
    b"Content-Type: text/html\n\n<p>Tea <b>now</b></p><script>alert(1)</script>"
    b'<img src="https://tracker.example/p.gif">'
)
FILES = (
    b"From: Ada <ada@x.example>\nTo: max@work.example\nSubject: Re: Tea\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nSee the file.\n'
    b'--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n'
    b"Content-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n"
)


def test_white_text_of_a_black_message_stands_on_black_in_the_quote(bench: Bench) -> None:
    html = b'Content-Type: text/html\n\n<body bgcolor="#000" text="#fff"><p>Tea</p>'
    draft = bench.writing.reply(bench.library.put("k", html))
    assert '<div style="background-color: #000; color: #fff"><div><p>Tea</p>' in draft.quote


def test_a_new_message_has_the_signature_of_its_account(bench: Bench) -> None:
    draft = bench.writing.new(Draft("", to="ada@x.example"))
    assert (draft.account, draft.to) == ("work", "ada@x.example")
    assert draft.text == "\n\n-- \nMax\nWork Ltd\n"


def test_an_answer(bench: Bench) -> None:
    draft = bench.writing.reply(bench.library.put("k", PLAIN, "Inbox/home"))
    assert draft.account == "home"
    assert draft.to == "Ada Lovelace <ada@x.example>"
    assert draft.subject == "Re: Tea"
    assert draft.text == ("\n\nOn 3 Nov 2026 at 10:42, Ada Lovelace wrote:\n> Shall we have tea?")
    assert (draft.in_reply_to, draft.references) == ("2@x.example", ("1@x.example", "2@x.example"))
    assert draft.answers == "k"
    assert bench.drafts.find(draft.id) == draft


def test_an_answer_from_one_account_to_another_goes_back_and_from_sent_goes_on(
    bench: Bench,
) -> None:
    between = b"From: max@work.example\nTo: max@home.example\nSubject: Tea\n\nTea?\n"
    came = bench.writing.reply(bench.library.put("came", between, "Inbox/home"))
    assert (came.account, came.to) == ("home", "max@work.example")
    sent = bench.writing.reply(bench.library.put("sent", between, "Sent"))
    assert (sent.account, sent.to) == ("work", "max@home.example")


def test_an_answer_to_all(bench: Bench) -> None:
    draft = bench.writing.reply(bench.library.put("k", PLAIN), to_all=True)
    assert draft.to == "Ada Lovelace <ada@x.example>, bob@x.example"


def test_an_answer_to_html_quotes_it_harmlessly(bench: Bench) -> None:
    draft = bench.writing.reply(bench.library.put("k", HTML))
    assert "<b>now</b>" in draft.quote
    assert "script" not in draft.quote
    assert "tracker.example" not in draft.quote
    assert draft.text == "\n\n-- \nMax\nWork Ltd\n"


def test_a_forwarded_message_brings_its_files(bench: Bench) -> None:
    draft = bench.writing.forward(bench.library.put("k", FILES))
    assert draft.subject == "Fwd: Re: Tea"
    assert "See the file." in draft.text
    assert "From: Ada <ada@x.example>" in draft.text
    (file,) = draft.files
    assert (file.name, file.type) == ("a.pdf", "application/pdf")
    assert bench.drafts.path(draft.id, file.id).read_bytes() == b"%PDF"
    assert (draft.forwards, draft.to, draft.references) == ("k", "", ())


PICTURES = (
    b"From: Ada <ada@x.example>\nTo: max@work.example\nSubject: Tea\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html\n\n'
    b'<p>As below:</p><img src="cid:a@x"><img src="https://x.example/cup.png" alt="A &lt;cup&gt;">'
    b'<img src="cid:gone@x" alt="Pot"><img src="https://x.example/count" width=1 height=1>\n'
    b"--b\nContent-Type: image/png\nContent-ID: <a@x>\nContent-Disposition: inline\n"
    b"Content-Transfer-Encoding: base64\n\niVBORw==\n"
    b'--b\nContent-Type: image/png; name="other.png"\nContent-ID: <b@x>\n'
    b"Content-Transfer-Encoding: base64\n\niVBORw==\n--b--\n"
)


def sent_of(bench: Bench, draft: Draft) -> EmailMessage:
    draft = bench.drafts.find(draft.id)
    bench.writing.save(replace(draft, to="bob@x.example"))
    message = bench.outbox.parcels[bench.writing.send(draft.id)].message
    found = BytesParser(policy=email.policy.default).parsebytes(message)
    assert isinstance(found, EmailMessage)
    return found


def test_a_forwarded_message_keeps_its_pictures_in_their_places(bench: Bench) -> None:
    """It once had empty boxes, and the picture as a file of its own."""
    draft = bench.writing.forward(bench.library.put("k", PICTURES))
    sent = sent_of(bench, draft)
    words, other = sent.iter_parts()
    assert other.get_filename() == "other.png"
    assert other["content-id"] is None
    _, related = cast("EmailMessage", words).iter_parts()
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    html, picture = cast("EmailMessage", related).iter_parts()
    assert picture.get_content_disposition() == "inline"
    assert picture.get_payload(decode=True) == b"\x89PNG"
    name = str(picture["content-id"]).strip("<>")
    assert name != "a@x"
    text = cast("EmailMessage", html).get_content()
    assert f'<img src="cid:{name}">' in text
    assert 'src="https://x.example/cup.png"' in text
    assert "[Pot]" in text
    assert "gone@x" not in text
    letter = read_letter(sent.as_bytes())
    assert [part.inline for part in letter.parts] == [True, False]


def test_without_the_quote_its_pictures_are_files(bench: Bench) -> None:
    draft = bench.writing.forward(bench.library.put("k", PICTURES))
    bench.writing.save(replace(bench.drafts.find(draft.id), quote=""))
    words, *files = sent_of(bench, bench.drafts.find(draft.id)).iter_parts()
    assert words.get_content_type() == "text/plain"
    assert [one.get_content_disposition() for one in files] == ["attachment"] * 2


def test_a_picture_that_was_removed_leaves_words(bench: Bench) -> None:
    draft = bench.writing.forward(bench.library.put("k", PICTURES))
    for file in draft.files:
        bench.drafts.detach(draft.id, file.id)
    text = sent_of(bench, draft).get_body(("html",))
    assert text is not None
    assert "<p>As below:</p>[image]<img" in text.get_content()


def test_an_answer_has_words_in_the_place_of_pictures(bench: Bench) -> None:
    draft = bench.writing.reply(bench.library.put("k", PICTURES))
    assert "<p>As below:</p>[image][A &lt;cup&gt;][Pot]\n" in draft.quote
    assert "<img" not in draft.quote
    assert draft.files == ()


SENT = (
    b"From: Max <max@home.example>\nTo: Ada <ada@x.example>\nCc: bob@x.example\nBcc: eve@x.example\nSubject: Tea\n"
    b"Message-ID: <3@home.example>\nReferences: <1@x.example> <2@x.example>\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nSee the file.\n\n-- \nMe\n'
    b'--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n'
    b"Content-Transfer-Encoding: base64\n\nJVBERg==\n--b--\n"
)


def test_what_was_sent_is_written_again_as_it_was(bench: Bench) -> None:
    """To a wrong address: it had to be forwarded, or copied by hand."""
    draft = bench.writing.again(bench.library.put("k", SENT, "Sent"))
    assert draft.account == "home", "by whom it was written, and with no other signature"
    assert draft.text == "See the file.\n\n-- \nMe"
    assert (draft.to, draft.cc, draft.bcc) == (
        "Ada <ada@x.example>",
        "bob@x.example",
        "eve@x.example",
    )
    assert draft.subject == "Tea"
    assert (draft.references, draft.in_reply_to) == (("1@x.example", "2@x.example"), "2@x.example")
    assert (draft.answers, draft.forwards) == (None, None), "the message itself is not marked"
    (file,) = draft.files
    assert (file.name, bench.drafts.path(draft.id, file.id).read_bytes()) == ("a.pdf", b"%PDF")
    bench.writing.send(draft.id)
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.recipients == ("ada@x.example", "bob@x.example", "eve@x.example")
    assert b"<3@home.example>" not in parcel.message, "it is another message"


def test_what_somebody_else_has_written_is_written_again_by_whom_it_came_to(bench: Bench) -> None:
    draft = bench.writing.again(bench.library.put("k", PLAIN, "Inbox/home"))
    assert (draft.account, draft.subject) == ("home", "Tea")
    assert draft.to == "max@home.example, bob@x.example"


def test_a_forwarded_message_as_a_file(bench: Bench) -> None:
    draft = bench.writing.forward(bench.library.put("k", FILES), attached=True)
    (file,) = draft.files
    assert (file.name, file.type) == ("Re_ Tea.eml", "message/rfc822")
    assert bench.drafts.path(draft.id, file.id).read_bytes() == FILES
    assert "See the file" not in draft.text


def test_whom_a_message_was_hidden_from_nobody_learns_by_a_forwarded_file(bench: Bench) -> None:
    copy = b"Bcc: Eve <eve@x.example>,\n eva@x.example\n" + FILES
    draft = bench.writing.forward(bench.library.put("k", copy), attached=True)
    (file,) = draft.files
    assert bench.drafts.path(draft.id, file.id).read_bytes() == FILES


def test_hidden_recipients_are_for_the_writers_own_copy_only(bench: Bench) -> None:
    draft = bench.writing.new(Draft("", to="ada@x.example", bcc="Évé <eve@x.example>, b@x.example"))
    bench.writing.send(draft.id)
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.recipients == ("ada@x.example", "eve@x.example", "b@x.example")
    assert b"eve@" not in parcel.message
    assert b"bcc" not in parcel.message.lower()
    own = read_letter(parcel.bcc.encode() + parcel.message)
    assert [(one.name, one.address) for one in own.bcc] == [
        ("Évé", "eve@x.example"),
        ("", "b@x.example"),
    ]


def test_a_file_that_does_not_fit_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pillarbox.reader.compose.attached.MAX_OCTETS", 3)
    draft = bench.writing.forward(bench.library.put("k", FILES))
    assert draft.files == ()
    assert "not attached: a.pdf" in draft.text


def test_a_message_that_is_gone_cannot_be_answered(bench: Bench) -> None:
    with pytest.raises(NoSuchMessage):
        bench.writing.reply(MessageKey("gone"))


def test_another_account_signs_otherwise(bench: Bench) -> None:
    draft = bench.writing.new(Draft(""))
    saved = bench.writing.save(replace(draft, account="home", text="Hi\n\n-- \nMax\nWork Ltd\n"))
    assert saved.text == "Hi"
    assert bench.writing.save(replace(saved, account="work")).text == "Hi\n\n-- \nMax\nWork Ltd\n"


def sent(bench: Bench, **fields: Any) -> EmailMessage:
    draft = bench.writing.new(replace(Draft("", to="ada@x.example"), **fields))
    key = bench.writing.send(draft.id)
    message = BytesParser(policy=email.policy.default).parsebytes(bench.outbox.read(key))
    assert isinstance(message, EmailMessage)
    return message


def test_what_is_sent_goes_to_the_outbox_and_is_no_draft_any_more(bench: Bench) -> None:
    draft = bench.writing.new(
        Draft("", "home", "Ada <ada@x.example>", "bob@x.example", "eve@x.example", " Tea ", "Now?")
    )
    bench.drafts.attach(draft.id, "a.txt", "text/plain", [b"x"])
    key = bench.writing.send(draft.id)
    parcel = bench.outbox.parcels[key]
    assert parcel.sender == "max@home.example"
    assert parcel.recipients == ("ada@x.example", "bob@x.example", "eve@x.example")
    assert (parcel.account, parcel.subject, parcel.draft) == ("home", "Tea", draft.id)
    letter = read_letter(parcel.message)
    assert [one.address for one in letter.to] == ["ada@x.example"]
    assert (letter.subject, letter.text.strip(), letter.flowed) == ("Tea", "Now?", True)
    assert [part.name for part in letter.parts] == ["a.txt"]
    assert letter.date == NOW
    assert bench.drafts.all() == []
    with pytest.raises(NoSuchDraft):
        bench.writing.send(draft.id)


def test_an_answer_goes_out_with_what_it_answers(bench: Bench) -> None:
    draft = bench.writing.reply(bench.library.put("k", PLAIN))
    parcel = bench.outbox.parcels[bench.writing.send(draft.id)]
    letter = read_letter(parcel.message)
    assert letter.references == ("1@x.example", "2@x.example")
    assert parcel.answers == "k"


def test_the_same_person_gets_it_once(bench: Bench) -> None:
    message = sent(bench, cc="ADA@x.example, bob@x.example", bcc="bob@x.example")
    assert message["cc"] == "bob@x.example"
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.recipients == ("ada@x.example", "bob@x.example")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"to": ""}, {"to"}),
        ({"to": "ada"}, {"to"}),
        ({"to": "a@x.example", "cc": "b", "bcc": "c@"}, {"cc", "bcc"}),
        ({"to": "", "bcc": "b@"}, {"bcc"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    bench: Bench, fields: dict[str, str], wrong: set[str]
) -> None:
    draft = bench.writing.new(replace(Draft(""), **cast("Any", fields)))
    with pytest.raises(WrongFields) as caught:
        bench.writing.send(draft.id)
    assert set(caught.value.by_field) == wrong
    assert bench.drafts.find(draft.id) == draft


def test_without_an_account_nothing_is_lost_and_nothing_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FixedAccounts())
    draft = bench.writing.new(Draft("", to="a@x.example"))
    with pytest.raises(WrongFields, match="Add one"):
        bench.writing.send(draft.id)
    assert bench.writing.reply(bench.library.put("k", PLAIN)).to


def test_a_file_that_cannot_be_read_stops_the_message(bench: Bench) -> None:
    draft = bench.writing.new(Draft("", to="a@x.example"))
    file = bench.drafts.attach(draft.id, "a", "", [b"a"])
    bench.drafts.path(draft.id, file.id).unlink()
    with pytest.raises(NotSendable, match="attach it again"):
        bench.writing.send(draft.id)


@dataclass
class Doubt:
    draft: Draft
    words: tuple[str, ...]


@pytest.mark.parametrize(
    "case",
    [
        Doubt(Draft("", subject="s", text="See attached."), ("attachment",)),
        Doubt(Draft("", subject="s", text="Siehe Anhang."), ("attachment",)),
        Doubt(Draft("", subject="s", text="Yes.\n> see attached"), ()),
        Doubt(Draft("", subject="s", text="Yes.\n\n-- \nattachment style"), ()),
        Doubt(Draft("", subject="s", text="I am attacked."), ()),
        Doubt(Draft("", subject=" ", text="Yes."), ("subject",)),
        Doubt(Draft("", subject="s", text=" \n"), ("empty",)),
        Doubt(Draft("", subject="", text=""), ("subject", "empty")),
    ],
)
def test_what_may_have_been_forgotten(bench: Bench, case: Doubt) -> None:
    draft = bench.drafts.new(replace(case.draft, to="a@x.example"))
    doubts = bench.writing.doubts(draft.id)
    assert len(doubts) == len(case.words)
    assert all(word in doubt for word, doubt in zip(case.words, doubts, strict=True))


def test_with_a_file_there_is_no_doubt(bench: Bench) -> None:
    draft = bench.drafts.new(Draft("", to="a@x.example", subject="s", text="See attached."))
    bench.drafts.attach(draft.id, "a", "", [b"a"])
    assert bench.writing.doubts(draft.id) == []


def test_taken_back_it_is_the_draft_that_it_was(bench: Bench) -> None:
    draft = bench.writing.new(Draft("", to="Ada <ada@x.example>", subject="Tea"))
    key = bench.writing.send(draft.id)
    taken = bench.writing.take_back(key)
    assert taken == replace(draft, version=2)
    assert bench.drafts.all() == [taken]
    with pytest.raises(TooLate):
        bench.writing.take_back(key)


def test_taken_back_it_is_not_for_those_who_have_it(bench: Bench) -> None:
    draft = bench.writing.new(Draft("", to="Ada <ada@x.example>, bob@x.example", cc="c@x.example"))
    key = bench.writing.send(draft.id)
    bench.outbox.got = {"ada@x.example", "c@x.example"}
    taken = bench.writing.take_back(key)
    assert (taken.to, taken.cc) == ("bob@x.example", "")
    assert bench.drafts.all() == [taken]


def test_a_draft_of_what_may_have_arrived_keeps_that_in_mind(bench: Bench) -> None:
    """It is asked about before it is sent once more; as the same message, if nothing in it was changed."""

    def message_id(outgoing: str) -> str:
        return read_letter(bench.outbox.read(outgoing)).message_id

    draft = bench.writing.new(Draft("", to="Bob@x.example, ada@x.example", subject="Tea", text="?"))
    key = bench.writing.send(draft.id)
    first = message_id(key)
    bench.outbox.unsure = {"Bob@x.example"}
    taken = bench.writing.take_back(key)
    assert taken.unsure == ("Bob@x.example",)
    (doubt,) = bench.writing.doubts(draft.id)
    assert "may have reached Bob@x.example already" in doubt
    assert bench.drafts.all() == [draft_file.from_octets(draft_file.to_octets(taken))]
    taken = bench.writing.save(replace(taken, to="ada@x.example"))
    assert bench.writing.doubts(draft.id) == []
    taken = bench.writing.save(replace(taken, to="bob@X.example"))
    assert len(bench.writing.doubts(draft.id)) == 1
    key = bench.writing.send(draft.id)
    assert message_id(key) == first
    bench.outbox.unsure = set()
    taken = bench.writing.take_back(key)
    assert taken.unsure == ("Bob@x.example",), "it may have, that time before"
    bench.writing.save(replace(taken, text="Another one."))
    assert len(bench.writing.doubts(draft.id)) == 1
    assert message_id(bench.writing.send(draft.id)) != first


def test_a_message_whose_draft_is_gone_becomes_one_again(bench: Bench) -> None:
    draft = bench.writing.new(
        Draft(
            "",
            "home",
            to="Ada <ada@x.example>",
            bcc="eve@x.example",
            subject="Tea",
            text="Now?\n> yes",
        )
    )
    bench.drafts.attach(draft.id, "a.txt", "text/plain", [b"x"])
    key = bench.writing.send(draft.id)
    bench.drafts.discard(draft.id)
    taken = bench.writing.take_back(key)
    assert taken.id != draft.id
    assert (taken.to, taken.bcc, taken.subject) == ("Ada <ada@x.example>", "eve@x.example", "Tea")
    assert taken.text == "Now?\n> yes"
    (file,) = taken.files
    assert bench.drafts.path(taken.id, file.id).read_bytes() == b"x"
    assert bench.outbox.all() == []


def test_what_leaves_while_it_is_taken_back_makes_no_draft(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = bench.writing.new(Draft("", to="ada@x.example"))
    key = bench.writing.send(draft.id)
    bench.drafts.discard(draft.id)

    def too_late(_: str) -> None:
        raise TooLate("It is leaving.")

    monkeypatch.setattr(bench.outbox, "take_out", too_late)
    with pytest.raises(TooLate):
        bench.writing.take_back(key)
    assert bench.drafts.all() == []


@pytest.mark.parametrize("where", ["take_out", "name_draft", "attach", "correct"])
@pytest.mark.parametrize("error", [LibraryUnusable("The disk is full."), RuntimeError("a defect")])
def test_a_take_back_that_fails_leaves_no_draft_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    """But for one error, it was in the outbox and among the drafts: sent from both, it was two messages."""
    draft = bench.writing.new(Draft("", to="ada@x.example"))
    bench.drafts.attach(draft.id, "a.txt", "text/plain", [b"x"])
    key = bench.writing.send(draft.id)
    bench.drafts.discard(draft.id)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        of_outbox = where in {"take_out", "name_draft"}
        patched.setattr(bench.outbox if of_outbox else bench.drafts, where, fail)
        with pytest.raises(type(error)):
            bench.writing.take_back(key)
    assert bench.drafts.all() == []
    assert [one.id for one in bench.outbox.all()] == [key]
    kept = {one.name for one in (bench.folder / "drafts").iterdir()} - {"discarded"}
    assert kept <= bench.outbox.drafts(), "it goes with the message"
    taken = bench.writing.take_back(key)
    assert bench.drafts.all() == [taken]
    assert len(taken.files) == 1


def test_a_message_of_an_account_that_is_gone_goes_from_nobody_else_unasked(
    bench: Bench, tmp_path: Path
) -> None:
    """It once was sent as the first of the others."""
    draft = bench.writing.new(Draft("", account="home", to="a@x.example", subject="Tea"))
    draft = bench.writing.save(replace(draft, text="Hi\n\n-- \nMe\n"))
    sent = bench.writing.send(draft.id)
    bench.accounts.have(WORK)
    again = bench.writing.take_back(sent)
    assert again.account == "home"
    with pytest.raises(WrongFields, match="no account home any more") as caught:
        bench.writing.send(again.id)
    assert set(caught.value.by_field) == {"account"}
    assert bench.outbox.all() == []
    chosen = bench.writing.save(replace(again, account="work"))
    assert chosen.text == again.text, "whose signature that is, nobody knows any more"
    bench.writing.send(again.id)
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.account == "work"


SHOP = replace(WORK, aliases=("max@shop.example",))
TO_A_SUBADDRESS = (
    b"Delivered-To: max@work.example\nFrom: Ada <ada@x.example>\nTo: max+shop@work.example\n"
    b"Cc: max@shop.example, bob@x.example\nSubject: Tea\nMessage-ID: <2@x.example>\n\nTea?\n"
)


def shop(folder: Path) -> Bench:
    return Bench(folder, FixedAccounts(SHOP, HOME))


def test_an_answer_leaves_as_the_address_that_the_message_came_to(tmp_path: Path) -> None:
    """In From, in the envelope and in the Message-ID: the private address is nowhere in it."""
    bench = shop(tmp_path)
    draft = bench.writing.reply(bench.library.put("k", TO_A_SUBADDRESS), to_all=True)
    assert (draft.account, draft.sender) == ("work", "max+shop@work.example")
    assert (draft.to, draft.cc) == ("Ada <ada@x.example>", "bob@x.example")
    assert draft.text.endswith("\n\n-- \nMax\nWork Ltd\n")
    assert bench.drafts.find(draft.id) == draft
    bench.writing.send(draft.id)
    (parcel,) = bench.outbox.parcels.values()
    assert (parcel.account, parcel.sender) == ("work", "max+shop@work.example")
    assert not parcel.own
    assert read_letter(parcel.message).sender[0].address == "max+shop@work.example"
    assert b"max@work.example" not in parcel.message


def test_an_answer_as_another_address_of_the_account_names_no_other_domain(tmp_path: Path) -> None:
    bench = shop(tmp_path)
    message = TO_A_SUBADDRESS.replace(b"max+shop@work.example", b"max@shop.example")
    draft = bench.writing.reply(bench.library.put("k", message))
    assert (draft.account, draft.sender, draft.came_to) == ("work", "max@shop.example", "")
    bench.writing.send(draft.id)
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.sender == "max@shop.example"
    assert b"work.example" not in parcel.message


def test_the_subaddress_stays_on_offer_when_another_one_was_chosen(tmp_path: Path) -> None:
    bench = shop(tmp_path)
    draft = bench.writing.reply(bench.library.put("k", TO_A_SUBADDRESS))
    assert draft.came_to == "max+shop@work.example"
    saved = bench.writing.save(replace(draft, sender="max@shop.example"))
    assert (saved.sender, saved.came_to) == ("max@shop.example", "max+shop@work.example")


def test_a_message_is_forwarded_as_an_address_with_a_name(tmp_path: Path) -> None:
    """A subaddress is between two."""
    bench = shop(tmp_path)
    draft = bench.writing.forward(bench.library.put("k", TO_A_SUBADDRESS))
    assert (draft.account, draft.sender) == ("work", "")
    message = TO_A_SUBADDRESS.replace(b"max+shop@work.example", b"max+x@shop.example")
    draft = bench.writing.forward(bench.library.put("k", message))
    assert (draft.account, draft.sender) == ("work", "max@shop.example")


def test_what_was_sent_as_a_subaddress_goes_on_from_it(tmp_path: Path) -> None:
    bench = shop(tmp_path)
    sent = b"From: Max <max+shop@work.example>\nTo: ada@x.example\nSubject: Tea\n\nTea?\n"
    for draft in (
        bench.writing.reply(bench.library.put("k", sent, "Sent")),
        bench.writing.again(bench.library.put("k", sent, "Sent")),
    ):
        assert (draft.account, draft.sender, draft.to) == (
            "work",
            "max+shop@work.example",
            "ada@x.example",
        )


def test_taken_back_it_is_from_the_same_address_also_without_its_draft(tmp_path: Path) -> None:
    bench = shop(tmp_path)
    for lost in (False, True):
        draft = bench.writing.new(Draft("", "work", to="a@x.example", sender="max+x@work.example"))
        key = bench.writing.send(draft.id)
        if lost:
            bench.drafts.discard(draft.id)
        assert bench.writing.take_back(key).sender == "max+x@work.example"


@pytest.mark.parametrize(
    "sender", ["max@shop.example", "eve@x.example", "max+\u202ex@work.example"]
)
def test_an_address_that_is_the_accounts_no_more_is_asked_for(bench: Bench, sender: str) -> None:
    """Its alias was taken away meanwhile, or a form was made up."""
    draft = bench.writing.new(Draft("", "work", to="a@x.example", subject="s", sender=sender))
    for work in (bench.writing.send, bench.writing.doubts):
        with pytest.raises(WrongFields, match="no address of the account work any more") as caught:
            work(draft.id)
        assert set(caught.value.by_field) == {"account"}
    assert bench.outbox.all() == []
    bench.writing.save(replace(draft, sender=""))
    bench.writing.send(draft.id)
    (parcel,) = bench.outbox.parcels.values()
    assert parcel.sender == "max@work.example"
    assert parcel.own


def test_the_same_text_from_another_address_is_another_message(tmp_path: Path) -> None:
    """Its Message-ID would name the domain of the address before."""
    bench = shop(tmp_path)
    draft = bench.writing.new(Draft("", "work", to="Bob@x.example", subject="Tea", text="?"))
    key = bench.writing.send(draft.id)
    bench.outbox.unsure = {"Bob@x.example"}
    taken = bench.writing.take_back(key)
    assert taken.message_id
    saved = bench.writing.save(replace(taken, sender="max@shop.example"))
    assert saved.message_id == ""


def test_a_draft_of_before_there_were_several_addresses_still_opens() -> None:
    draft = Draft("d", "work", to="a@x.example", text="Hi", version=3)
    content = json.loads(draft_file.to_octets(draft))
    for later in ("sender", "came_to"):
        del content[later]
    assert draft_file.from_octets(json.dumps(content).encode()) == draft
