"""A library on disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import FILE, open_index
from pillarbox.reader.model import Settings
from pillarbox.reader.news import Item, News
from tests.fetch.conftest import strace

__all__ = ["Place", "strace"]


class Told:
    """News, kept."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    def tell(self, item: Item) -> None:
        self.items.append(item)


class Place:
    """Where a library is, what it is told, and what time it is there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mail = root / "mail"
        self.told = Told()
        self.settings = Settings()
        self.time = datetime(2026, 11, 27, 12, tzinfo=UTC)
        self.accounts: list[str] | None = None
        """Those there are; None: nobody says."""
        self._open: MailLibrary | None = None

    def open(self, *, with_index: bool = True) -> MailLibrary:
        """Anew, as after a restart; without an index: it has been deleted."""
        self.close()
        if not with_index:
            for path in self.root.glob(f"{FILE}*"):
                path.unlink()
        news = cast("News", self.told)
        self._open = put_together(
            self.root, news, self.settings, open_index, lambda: self.time, lambda: self.accounts
        )
        return self._open

    def close(self) -> None:
        if self._open:
            self._open.close()
        self._open = None

    def later(self, **parts: float) -> None:
        self.time += timedelta(**parts)

    def deliver(self, account: str, name: str, message: bytes) -> None:
        """As the collector does: into new."""
        path = self.mail / "Inbox" / account / "new" / name
        path.write_bytes(message)

    def files(self) -> dict[str, bytes]:
        """All messages there are."""
        paths = [path for path in self.mail.rglob("*/*") if path.is_file()]
        return {str(path.relative_to(self.mail)): path.read_bytes() for path in paths}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "library")
    yield place
    place.close()


@pytest.fixture
def library(place: Place) -> MailLibrary:
    opened = place.open()
    opened.folder_of("work")
    opened.folder_of("home")
    return opened
