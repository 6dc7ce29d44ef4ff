"""The services of a reader, put together; which is whose, each of them says itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import NamedTuple

import structlog

from pillarbox.app.collecting.command import state_folder
from pillarbox.app.exits import ExitCode, explain
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.bar import bar, stoppable
from pillarbox.app.reading.command import Parts, read
from pillarbox.app.reading.discovering import find_servers
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.app.reading.watching import Watch
from pillarbox.app.reading.wish import ReadWish
from pillarbox.reader.collecting.collector import AccountCollector
from pillarbox.reader.compose.contacts import open_contacts
from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.compose.writing import Writing
from pillarbox.reader.contracts import Index
from pillarbox.reader.desk import Desk
from pillarbox.reader.incoming import receive_in
from pillarbox.reader.library.library import MailLibrary, Survey
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.opening import TRASHED, put_together
from pillarbox.reader.library.survey import DiskSurvey, open_index
from pillarbox.reader.model import Settings
from pillarbox.reader.news import News
from pillarbox.reader.outbox import open_outbox
from pillarbox.reader.outbox.talk import Talk
from pillarbox.reader.preferences import Preferences
from pillarbox.reader.submission import Submission

INDEXING = "Making the index"

_log = structlog.get_logger("pillarbox.reader")


def run(wish: ReadWish, *, debug: bool) -> ExitCode:
    """``pillarbox read``, with every error said: what a process of its own ends with."""
    try:
        return read(wish, make_parts)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- no traceback for users
        return explain(error, debug=debug)


async def make_parts(wish: ReadWish, folder: Path, news: News) -> Parts:
    """Of the library in *folder*. Nothing here walks through the mail, unless the index is to be made anew first; who
    cancels this ends that, too, and the old index is still there.

    Raises:
        LibraryUnusable: it cannot be opened.
        ConfigError: the configuration cannot be read.
    """
    stop = Event()
    try:
        return await asyncio.to_thread(_make, wish, folder, news, stop)
    finally:
        stop.set()


def _make(wish: ReadWish, folder: Path, news: News, stop: Event) -> Parts:
    accounts = ConfiguredAccounts(wish.config, wish.overrides, state_folder(wish.state))
    for trouble in accounts.troubles():
        _log.warning("configuration not used", trouble=trouble)
    preferences = Preferences(folder / "settings.json", expected=(folder / TRASHED).exists())
    settings = preferences.settings
    with ExitStack() as opened:
        library, survey = _library(folder, news, settings, accounts.names)
        opened.callback(library.close)
        opened.callback(receive_in(folder))
        preferences.begin()
        if wish.reindex:
            _reindex(library, stop)
        drafts: KeptDrafts
        outbox = open_outbox(
            folder / "outbox",
            submit_for=accounts.to_submit,
            library=library,
            discard_draft=lambda draft: drafts.discard(draft),  # noqa: PLW0108 -- it is made below
            news=news,
            clock=now,
        )
        drafts = open_drafts(folder / "drafts", outbox=outbox, tell=news.tell, clock=now)
        collector = AccountCollector(accounts, library, news, settings, now, reached=outbox.nudge)
        desk = Desk(
            accounts=accounts,
            setup=ConfiguredSetup(accounts, _sign_in, find_servers),
            library=library,
            filing=library,
            rules=library.rules,
            drafts=drafts,
            contacts=open_contacts(folder / "contacts.json", correspondents=library.correspondents),
            writing=Writing(
                accounts=accounts,
                library=library,
                drafts=drafts,
                outbox=outbox,
                settings=settings,
                clock=now,
            ),
            outbox=outbox,
            collector=collector,
            news=news,
            preferences=preferences,
            settings=settings,
            clock=now,
        )
        watch = Watch(library, _first_look(library, survey))
        return Parts(desk, (collector.run, outbox.run, watch.run), opened.pop_all().close)


def now() -> datetime:
    """In the user's time zone."""
    return datetime.now().astimezone()


async def _sign_in(submission: Submission) -> None:
    """Raises PillarboxError: it does not work."""
    talk = await Talk.open(submission)
    await talk.close()


class _Indexed(NamedTuple):
    library: MailLibrary
    survey: DiskSurvey


def _library(
    folder: Path, news: News, settings: Settings, accounts: Callable[[], Collection[str]]
) -> _Indexed:
    surveys: list[DiskSurvey] = []

    def indexed(root: Path, maildirs: Maildirs) -> tuple[Index, Survey, Callable[[], None]]:
        index, survey, close = open_index(root, maildirs)
        surveys.append(survey)
        return index, survey, close

    library = put_together(folder, news, settings, indexed, now, accounts)
    return _Indexed(library, surveys[0])


def _first_look(library: MailLibrary, survey: DiskSurvey) -> Callable[[Event], None]:
    """Done while the page is up already: the index is made if there is none, else brought up to date."""

    def first(stop: Event) -> None:
        if survey.wants_reindex:
            _reindex(library, stop)
        else:
            library.look()

    return first


def _reindex(library: MailLibrary, stop: Event) -> None:
    with bar(INDEXING) as report:
        library.reindex(stoppable(report, stop))
