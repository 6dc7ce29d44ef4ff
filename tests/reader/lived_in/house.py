"""The desk of Nora's reader: all its parts are real but for the collector, which says what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.reader.compose.contacts import open_contacts
from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.compose.writing import Writing
from pillarbox.reader.contracts import Library
from pillarbox.reader.desk import Desk
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import Collecting, Contact, Draft, Rule, Settings, Status
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.shelf import Shelf
from pillarbox.reader.preferences import Preferences
from tests.app.reading.test_setting_up import anything, nowhere
from tests.reader.desk import NOW, make_desk
from tests.reader.lived_in.mail import AWKWARD, FESTIVAL, RECEIPTS, everything, letter
from tests.reader.web.accounts.test_overview import Collector

_CONFIG = """\
[accounts.work]
url = "pop3s://nora@mail.harbourlibrary.example"
to = "reader"
keep_days = 30
from = "nora@harbourlibrary.example"
name = "Nora Lindqvist"
signature = "Nora Lindqvist, Harbour Library"
smtp = "smtps://nora@mail.harbourlibrary.example"

[accounts.home]
url = "pop3s://nora@lindqvist.example"
to = "reader"
from = "nora@lindqvist.example"
name = "Nora"
smtp = "smtps://nora@lindqvist.example"
"""
_SENDER = "nora@harbourlibrary.example"
_NOW = NOW.timestamp()
_OFFLINE = "The server mail.harbourlibrary.example cannot be reached."
_FULL = "550 5.2.2 The mailbox of sakura is full."
"""What a server said."""


class StillCollector(Collector):
    """It says what it is told to."""

    async def run(self) -> None:
        """It collects nothing."""


@dataclass
class House:
    """What there is, by the names that URLs need."""

    desk: Desk
    collector: StillCollector
    drafts: list[Draft]


@contextmanager
def lived_in(folder: Path) -> Iterator[House]:
    """The reader in *folder*, which is empty. On an event loop; nothing runs."""
    news, settings = News(), Settings()
    config = folder / "pillarbox.toml"
    config.write_text(_CONFIG)
    accounts = ConfiguredAccounts(config, (), folder / "state")
    library = put_together(folder / "library", news, settings, open_index, clock, accounts.names)
    try:
        for account in accounts.names():
            library.folder_of(account)
        _fill(library)
        _fill_outbox(folder / "outbox")
        drafts: KeptDrafts
        outbox = open_outbox(
            folder / "outbox",
            submit_for=accounts.to_submit,
            library=library,
            discard_draft=lambda draft: drafts.discard(draft),  # noqa: PLW0108 -- it is made below
            news=news,
            clock=clock,
        )
        drafts = open_drafts(folder / "drafts", outbox=outbox, tell=news.tell, clock=clock)
        contacts = open_contacts(folder / "contacts.json", correspondents=library.correspondents)
        for name, address in _PEOPLE:
            contacts.save(Contact(name, address))
        library.rules.save(_RULES)
        collector = StillCollector()
        collector.shown = list(_STATUSES)
        desk = Desk(
            accounts=accounts,
            setup=ConfiguredSetup(accounts, anything, nowhere),
            library=library,
            filing=library,
            rules=library.rules,
            drafts=drafts,
            contacts=contacts,
            writing=Writing(
                accounts=accounts,
                library=library,
                drafts=drafts,
                outbox=outbox,
                settings=settings,
                clock=clock,
            ),
            outbox=outbox,
            collector=collector,
            news=news,
            preferences=Preferences(folder / "settings.json"),
            settings=settings,
            clock=clock,
        )
        yield House(desk, collector, _write(drafts))
    finally:
        library.close()


def no_account_yet(folder: Path) -> Desk:
    """What there is at the very first start."""
    config = folder / "pillarbox.toml"
    config.write_text("")
    accounts = ConfiguredAccounts(config, (), folder / "state")
    return make_desk(
        accounts=accounts,
        setup=ConfiguredSetup(accounts, anything, nowhere),
        collector=StillCollector(),
    )


def clock() -> datetime:
    """It stands still."""
    return NOW


def _fill(library: Library) -> None:
    for name in (FESTIVAL, RECEIPTS, "Travel", AWKWARD):
        library.make_folder(name)
    for kept in everything():
        library.add(kept.folder, kept.message, kept.flags)


def _write(drafts: KeptDrafts) -> list[Draft]:
    written = []
    for draft in _DRAFTS:
        made = drafts.new(draft)
        drafts.save(replace(draft, id=made.id, version=made.version))
        written.append(made)
    drafts.attach(written[0].id, "Programme.pdf", "application/pdf", [b"%PDF-1.1\n" * 20_000])
    return written


def _fill_outbox(folder: Path) -> None:
    shelf = Shelf(folder, _nobody)
    for number, (subject, change) in enumerate(_LEAVING):
        message = letter(_SENDER, subject, "As said.\n", timedelta(hours=number)).as_bytes()
        record = Record(
            id=f"{number:016x}",
            account="work",
            sender=_SENDER,
            subject=subject,
            octets=len(message),
            since=_NOW - 3600 * (len(_LEAVING) - number),
            sent_base=f"{number}.sent",
            waiting=(),
        )
        shelf.put(change(record), message)


def _nobody() -> None:
    """Nobody has to be told."""


_SAKURA = "sakura@yokohama-toshokan.example"
_LEAVING: tuple[tuple[str, Callable[[Record], Record]], ...] = (
    (
        "Books about harbours",
        lambda r: replace(r, refused={_SAKURA: _FULL}, taken=("mei@bindery.example",)),
    ),
    ("Keys for Friday", lambda r: replace(r, unsure=("ingrid@harbourlibrary.example",))),
    (
        "Re: Invoice 2026-1147",
        lambda r: replace(
            r,
            waiting=("faktura@papirhuset.example",),
            problem=_OFFLINE,
            network=True,
            tries=3,
            next_try=_NOW + 900,
        ),
    ),
    (
        "Re: Chairs",
        lambda r: replace(r, waiting=("jonas@readingfestival.example",), held_until=_NOW + 8),
    ),
)
_STATUSES = (
    Status("work", Collecting.DONE, NOW - timedelta(minutes=2), NOW + timedelta(minutes=3)),
    Status(
        "home",
        Collecting.OFFLINE,
        NOW - timedelta(hours=3),
        NOW + timedelta(seconds=40),
        "The server lindqvist.example cannot be reached. It is tried again by itself.",
    ),
)
_PEOPLE = (
    ("Amara Okafor", "amara@readingfestival.example"),
    ("Ingrid Solheim", "ingrid@harbourlibrary.example"),
    ("Leila Haddad", "leila@maktaba.example"),
    ("Tomás Herrera", "tomas@harbourlibrary.example"),
    ("山本 さくら", _SAKURA),
)
_RULES = (
    Rule("receipts", sender="fjordferries.example", move_to=RECEIPTS, mark_seen=True),
    Rule("festival", subject="festival", accounts=("work",), move_to=FESTIVAL, flag=True),
)
_DRAFTS = (
    Draft(
        "",
        account="work",
        to="Amara Okafor <amara@readingfestival.example>, Jonas Weber <jonas@readingfestival.example>",
        subject="Rooms for the reading festival",
        text=(
            "Dear Amara, dear Jonas,\n\nthe map room is ours for the whole day, and the hall from four. If it rains, the "
            "boat house has room for eighty.\n\nI have put the programme of last year beside this. Shall we begin with "
            "the children again?\n\nNora\n"
        ),
    ),
    Draft("", account="home", to="per@lindqvist.example", subject="Sunday", text="Yes, gladly.\n"),
)
