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
from pillarbox.reader.preferences import Preferences


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
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"trash_days": "soon"}',
        b'{"trash_days": null}',
        b'{"trash_days": -5}',
        b'{"keys": 1}',
        b'{"hold_seconds": true}',
        b'{"hold_seconds": NaN}',
        b'{"trash_days": Infinity}',
        b"[" * 100_000,
        b" " * (1 << 20) + b"{}",
    ],
)
def test_a_damaged_file_is_set_aside(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert Preferences(path).settings == Settings()
    assert path.with_name("settings.json.damaged").read_bytes() == content


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
    preferences.change(keys=True)
    assert Preferences(path).settings == preferences.settings
