"""Settings on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.errors import BadSetting, LibraryUnusable
from pillarbox.reader.model import Settings
from pillarbox.reader.preferences import Preferences, check


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_at_first_all_is_as_usual(path: Path) -> None:
    assert Preferences(path).settings == Settings()
    assert not path.exists()


def test_what_was_set_is_there_at_the_next_start(path: Path) -> None:
    preferences = Preferences(path)
    held = preferences.settings
    preferences.change(trash_days=7, keys=False, hold_seconds=2.5)
    assert held == Settings(trash_days=7, keys=False, hold_seconds=2.5), "for all who have it"
    assert Preferences(path).settings == held
    assert path.stat().st_mode & 0o777 == 0o600
    assert preferences.folder == path.parent


@pytest.mark.parametrize(
    "values",
    [
        {"trash_days": -1},
        {"trash_days": 3651},
        {"hold_seconds": 121},
        {"hold_seconds": float("nan")},
        {"interval_seconds": 14},
        {"interval_seconds": float("inf")},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(path: Path, values: dict[str, Any]) -> None:
    preferences = Preferences(path)
    preferences.change(trash_days=3)
    with pytest.raises(BadSetting, match=r"from .* to "):
        preferences.change(keys=False, **values)
    assert preferences.settings == Preferences(path).settings == Settings(trash_days=3)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b" " * (1 << 20) + b"{}"]
)
def test_with_a_damaged_file_trash_is_not_emptied_until_the_settings_are_saved(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    for _ in "a start", "the next":
        preferences = Preferences(path, expected=True)
        assert preferences.settings == Settings(trash_days=0)
        assert "is damaged" in preferences.problem
        assert "Trash is not emptied" in preferences.problem
    path.with_name("settings.json.damaged-1").write_bytes(b"of before")
    preferences.change(trash_days=5)
    assert preferences.problem == ""
    assert path.with_name("settings.json.damaged-1").read_bytes() == b"of before"
    assert path.with_name("settings.json.damaged-2").read_bytes() == content
    preferences = Preferences(path, expected=True)
    assert (preferences.settings, preferences.problem) == (Settings(trash_days=5), "")


@pytest.mark.parametrize("days", ["4000", '"soon"', "null", "-5", "true", "Infinity", "NaN"])
def test_days_that_cannot_be_mean_never(path: Path, days: str) -> None:
    path.write_text(f'{{"trash_days": {days}, "hold_seconds": 3}}')
    preferences = Preferences(path)
    assert preferences.settings == Settings(trash_days=0, hold_seconds=3)
    assert (
        "damaged: trash_days. They are as at first, and Trash is not emptied" in preferences.problem
    )


@pytest.mark.parametrize("wrong", ['"keys": 1', '"hold_seconds": true', '"hold_seconds": NaN'])
def test_one_that_is_damaged_leaves_the_others_as_they_are(path: Path, wrong: str) -> None:
    path.write_text(f'{{"trash_days": 7, {wrong}}}')
    preferences = Preferences(path)
    assert preferences.settings == Settings(trash_days=7)
    assert wrong.split('"')[1] in preferences.problem
    assert "Trash" not in preferences.problem


def test_a_file_that_is_gone_is_as_good_as_damaged(path: Path) -> None:
    Preferences(path).begin()
    Preferences(path).change(trash_days=7)
    Preferences(path, expected=True).begin()
    assert Preferences(path, expected=True).settings == Settings(trash_days=7)
    path.unlink()
    preferences = Preferences(path, expected=True)
    preferences.begin()
    assert preferences.settings == Settings(trash_days=0)
    assert "is not there any more" in preferences.problem
    assert not path.exists(), "it is missed at the next start, too"


def test_a_file_of_another_version_is_read_as_far_as_it_is_known(path: Path) -> None:
    path.write_text('{"trash_days": 5, "colour": "red"}')
    assert Preferences(path).settings == Settings(trash_days=5)


def test_when_the_disk_does_not_take_it_all_is_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    preferences = Preferences(path)
    monkeypatch.setattr("pillarbox.reader.preferences.replace_file", full)
    with pytest.raises(LibraryUnusable, match="No space left"):
        preferences.change(trash_days=1)
    assert preferences.settings == Settings()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["trash_days", "hold_seconds", "interval_seconds", "keys"])


@given(found=st.dictionaries(NAMES, JSON))
def test_whatever_is_in_the_file_the_settings_are_ones_that_can_be(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("s") / "settings.json"
    path.write_text(json.dumps(found))
    preferences = Preferences(path)
    check(preferences.settings)
    preferences.change(keys=True)
    assert Preferences(path).settings == preferences.settings


def test_a_file_that_cannot_be_read_is_left_alone_and_trash_is_not_emptied(path: Path) -> None:
    path.mkdir()
    preferences = Preferences(path)
    preferences.begin()
    assert preferences.settings == Settings(trash_days=0)
    assert (
        "cannot be read: Is a directory. So all is as at first, and Trash is not emptied"
        in preferences.problem
    )
    with pytest.raises(LibraryUnusable, match="None can be changed"):
        preferences.change(trash_days=5)
    assert preferences.settings == Settings(trash_days=0)
    assert path.is_dir()
