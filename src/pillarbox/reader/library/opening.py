"""A library is opened: locked, made if need be, and put together."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.reader.contracts import Clock, Index
from pillarbox.reader.library.fixed import make_fixed
from pillarbox.reader.library.library import MailLibrary, Survey
from pillarbox.reader.library.lock import Lock
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.rules import RulesFile
from pillarbox.reader.library.shelf import Shelf
from pillarbox.reader.library.trash import TrashTimes
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import Settings
from pillarbox.reader.news import News

MAIL, LOCK, RULES, TRASHED = "mail", "lock", "rules.json", "trash.json"
"""What is in the library's folder, beside the index."""


def put_together(
    root: Path,
    news: News,
    settings: Settings,
    indexed: Callable[[Path, Maildirs], tuple[Index, Survey, Callable[[], None]]],
    clock: Clock = lambda: datetime.now(UTC),
    accounts: Callable[[], Collection[str] | None] = lambda: None,
) -> MailLibrary:
    """The library in the folder *root*, with an index that *indexed* opens (the last it returns closes it). *accounts*
    names those there are; None: all inboxes are somebody's.

    Raises:
        LibraryUnusable: another reader has it open, or it cannot be made or read.
    """
    root = root.absolute()
    with usable(root):
        make_folder(root)
    lock = Lock(root / LOCK)
    try:
        tree = Tree(root / MAIL)
        with usable(root):
            make_fixed(tree)
        maildirs = Maildirs(tree)
        rules, trash = RulesFile(root / RULES), TrashTimes(root / TRASHED)
        index, survey, close_index = indexed(root, maildirs)
    except BaseException:
        lock.release()
        raise

    def close() -> None:
        close_index()
        lock.release()

    shelf = Shelf(tree, maildirs, index, rules, trash, news, clock, accounts)
    return MailLibrary(shelf, survey, settings, close)
