"""The pages of filing on a real library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor
from tests.reader.library.conftest import Place


class Accounts:
    """Their names."""

    def names(self) -> list[str]:
        return ["work", "home"]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "library")
    place.accounts = Accounts().names()
    yield place
    place.close()


@pytest.fixture
def library(place: Place) -> MailLibrary:
    library = place.open()
    library.folder_of("work")
    return library


@pytest.fixture
async def browser(library: MailLibrary, place: Place) -> AsyncIterator[httpx.AsyncClient]:
    desk = make_desk(
        library=library,
        filing=library,
        rules=library.rules,
        accounts=Accounts(),
        preferences=Preferences(place.root / "settings.json"),
    )
    async with visitor(desk) as client:
        yield client
