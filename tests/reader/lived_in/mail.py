"""The mail of Nora, who runs a library by a harbour, at work and at home."""

from __future__ import annotations

import email.policy
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from pillarbox.reader.model import SENT, TRASH, Flag, Folder, inbox_of
from tests.reader.desk import NOW
from tests.reader.lived_in import texts
from tests.reader.lived_in.painting import photograph
from tests.reader.mail.corpus import PDF, corpus

WORK, HOME = inbox_of("work"), inbox_of("home")
FESTIVAL, RECEIPTS = Folder("Projects/Reading festival"), Folder("Receipts")
AWKWARD = Folder("Projects/Odd mail")
NORA, AT_HOME = "Nora Lindqvist <nora@harbourlibrary.example>", "nora@lindqvist.example"
SEEN = frozenset({Flag.SEEN})
NEW: frozenset[Flag] = frozenset()


class Kept(NamedTuple):
    """A message, and where it lies."""

    folder: Folder
    message: bytes
    flags: frozenset[Flag] = SEEN


def letter(
    sender: str, subject: str, text: str, ago: timedelta, *, to: str = NORA, **fields: str
) -> EmailMessage:
    """Plain text that came *ago*; *fields* with ``_`` for ``-``."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = format_datetime(NOW - ago)
    fields.setdefault("Message_ID", f"<{int(ago.total_seconds())}@harbourlibrary.example>")
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text, charset="utf-8")
    return message


def at(days: int, hours: int, minutes: int = 0) -> timedelta:
    """How long ago it was *hours*:*minutes* on the day *days* before today."""
    then = (NOW - timedelta(days=days)).replace(hour=hours, minute=minutes)
    return NOW - then


def everything() -> Iterator[Kept]:
    """All of it."""
    yield from _conversation()
    yield from _at_work()
    yield from _at_home()
    yield from _filed()
    for number, (name, message) in enumerate(sorted(corpus().items())):
        yield Kept(AWKWARD, message, NEW if number % 9 == 0 else SEEN)
        if name.startswith("html"):
            yield Kept(TRASH, message)


def _conversation() -> Iterator[Kept]:
    """Four messages on one subject, the third of them Nora's own."""
    ids = [f"<hours{number}@harbourlibrary.example>" for number in range(4)]
    tomas, ingrid = (
        "Tomás Herrera <tomas@harbourlibrary.example>",
        "Ingrid Solheim <ingrid@harbourlibrary.example>",
    )
    told = (
        (tomas, at(1, 15, 20), WORK, SEEN | {Flag.REPLIED}),
        (ingrid, at(1, 16, 4), WORK, SEEN),
        (NORA, at(1, 17, 31), SENT, SEEN),
        (tomas, at(0, 11, 42), WORK, NEW),
    )
    for number, (sender, ago, folder, flags) in enumerate(told):
        more = {"In_Reply_To": ids[number - 1], "References": " ".join(ids[:number])}
        message = letter(
            sender,
            ("Re: " if number else "") + "Opening hours in December",
            texts.HOURS[number],
            ago,
            to=f"{tomas}, {ingrid}" if sender == NORA else f"{NORA}, {ingrid}",
            Message_ID=ids[number],
            **(more if number else {}),
        )
        yield Kept(folder, message.as_bytes(), flags)


def _at_work() -> Iterator[Kept]:
    invitation = letter(
        "Amara Okafor <amara@readingfestival.example>",
        "Invitation: planning the reading festival",
        "Dear all,\n\nI suggest that we meet on Monday, in your library.\n\nAmara\n",
        at(0, 10, 15),
    )
    invitation.add_alternative(texts.CALENDAR, subtype="calendar", params={"method": "REQUEST"})
    yield Kept(WORK, invitation.as_bytes(), NEW)
    invoice = letter(
        "Papirhuset <faktura@papirhuset.example>",
        "Invoice 2026-1147",
        "Hello,\n\nhere is our invoice for 40 boxes of archive folders, to be paid in 30 days.\n",
        at(1, 9, 2),
    )
    invoice.add_attachment(
        PDF, maintype="application", subtype="pdf", filename="Invoice 2026-1147.pdf"
    )
    yield Kept(WORK, invoice.as_bytes(), SEEN | {Flag.FLAGGED})
    yield Kept(
        WORK,
        letter(
            "山本 さくら <sakura@yokohama-toshokan.example>",
            "12月の読書会について",
            texts.JAPANESE,
            at(2, 14, 40),
        ).as_bytes(),
    )
    yield Kept(
        WORK,
        letter(
            "ليلى حداد <leila@maktaba.example>",
            "تبادل الكتب بين مكتبتينا",
            texts.ARABIC,
            at(2, 8, 11),
        ).as_bytes(),
        SEEN | {Flag.REPLIED},
    )
    yield Kept(
        WORK,
        letter(
            "Verkehrsverein <auskunft@verkehrsverein.example>",
            "Donaudampfschifffahrtsgesellschaftskapitänspatentverlängerungsantrag",
            "Liebe Frau Lindqvist,\n\nder Antrag liegt hier:\n"
            f"https://verkehrsverein.example/{'formular-' * 14}2026\n",
            at(4, 12, 30),
        ).as_bytes(),
    )
    for number, (sender, subject, text) in enumerate(texts.LATELY):
        yield Kept(WORK, letter(sender, subject, text, at(5 + 4 * number, 9, number)).as_bytes())


def _at_home() -> Iterator[Kept]:
    news = letter(
        "The Weekly Binder <hello@weeklybinder.example>",
        "Glue, thread and patience",
        texts.NEWSLETTER_PLAIN,
        at(0, 9, 30),
        to=AT_HOME,
        List_Unsubscribe="<https://weeklybinder.example/leave>",
    )
    news.add_alternative(texts.NEWSLETTER, subtype="html")
    yield Kept(HOME, news.as_bytes(), NEW)
    photo = letter(
        "Per Lindqvist <per@lindqvist.example>",
        "Snow already",
        "It came in the night. The dog does not know what to think of it.\n\nCall us on Sunday?\nDad\n",
        at(1, 18, 55),
        to=AT_HOME,
    )
    photo.add_attachment(
        photograph(), maintype="image", subtype="png", filename="From the kitchen.png"
    )
    yield Kept(HOME, photo.as_bytes(), SEEN)


def _filed() -> Iterator[Kept]:
    for number, (sender, subject, text) in enumerate(texts.FESTIVAL):
        yield Kept(FESTIVAL, letter(sender, subject, text, at(9 + 8 * number, 16, 5)).as_bytes())
    for month in range(1, 11):
        yield Kept(
            RECEIPTS,
            letter(
                "Fjord Ferries <tickets@fjordferries.example>",
                f"Your monthly ticket, {month} of 12",
                "Thank you. Show this message on board.\n",
                at(30 * month + 5, 7, month),
            ).as_bytes(),
        )
    yield Kept(
        TRASH,
        letter(
            "Prize draw <winner@example.net>", "You have won", "Answer at once.\n", at(3, 3, 3)
        ).as_bytes(),
    )
