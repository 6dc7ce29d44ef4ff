from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.reader.library.index.sqlite import SqliteIndex
from tests.reader.library.index.mail import NOW, key_of


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    with SqliteIndex(tmp_path / "index.db", key_of, lambda: NOW) as index:
        yield index
