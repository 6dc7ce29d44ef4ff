"""docs/specifications.md names nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.transcripts.corpus import TRANSCRIPTS

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "specifications.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ") and "`" in line]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z0-9_/]+\.(?:py|txt))", TABLE))))
def test_files_exist(path: str) -> None:
    assert (ROOT / "tests" / path).is_file() or (ROOT / "src" / "pillarbox" / path).is_file()


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`([a-z0-9_/]+\.py::\w+)`", TABLE))))
def test_tests_exist(named: str) -> None:
    path, _, name = named.partition("::")
    code = (ROOT / "tests" / path).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?(def|class) {name}\b", code, re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "words"), sorted(set(re.findall(r'`transcripts/(\w+\.txt)` "([^"]+)"', TABLE)))
)
def test_dialogues_exist(path: str, words: str) -> None:
    titles = [t.title for t in TRANSCRIPTS if Path(t.file).name == path]
    assert any(words in title for title in titles), titles


def test_every_row_is_proved() -> None:
    assert len(ROWS) > 70
    for row in ROWS:
        proof = row.rstrip(" |").rpartition("|")[2]
        assert re.search(r"`\w+/[\w/]+\.(py|txt)", proof), row
