"""One reader for a library, and how another process finds it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pillarbox.app.reading import page_folder
from pillarbox.app.reading.page_folder import PageFolder
from pillarbox.reader.errors import LibraryUnusable


def test_the_first_one_has_it_and_the_second_is_told_where(tmp_path: Path) -> None:
    first, second = PageFolder(tmp_path / "new" / "library"), PageFolder(tmp_path / "new/library")
    assert first.claim()
    first.announce("http://127.0.0.1:8080")
    assert not second.claim()
    assert second.address_of_running() == "http://127.0.0.1:8080"


def test_an_entrance_that_the_second_makes_is_one_of_the_first(tmp_path: Path) -> None:
    first, second = PageFolder(tmp_path), PageFolder(tmp_path)
    assert first.claim()
    assert first.entrances.use(second.entrances.make())


def test_who_comes_before_the_first_has_said_where_waits_for_it(tmp_path: Path) -> None:
    first, second = PageFolder(tmp_path), PageFolder(tmp_path)
    assert first.claim()
    announcing = threading.Thread(target=first.announce, args=["http://localhost:1"])
    announcing.start()
    assert second.address_of_running() == "http://localhost:1"
    announcing.join()


def test_when_the_first_has_ended_the_second_has_it(tmp_path: Path) -> None:
    first, second, third = (PageFolder(tmp_path) for _ in range(3))
    assert first.claim()
    first.leave()
    assert second.address_of_running() is None
    assert not third.claim()


def test_what_a_killed_one_has_left_is_not_believed(tmp_path: Path) -> None:
    killed = PageFolder(tmp_path)
    assert killed.claim()
    token = killed.entrances.make()
    killed.announce("http://127.0.0.1:1")
    killed.leave()
    (tmp_path / "page" / "here").write_text("http://127.0.0.1:1\n")
    following = PageFolder(tmp_path)
    assert following.claim()
    assert not following.entrances.use(token)
    assert not (tmp_path / "page" / "here").exists()


def test_one_that_never_says_where_it_is_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_folder, "PATIENCE", 0.01)
    first, second = PageFolder(tmp_path), PageFolder(tmp_path)
    assert first.claim()
    with pytest.raises(LibraryUnusable, match="is open in"):
        second.address_of_running()


def test_token_and_port_stay_over_restarts(tmp_path: Path) -> None:
    folder = PageFolder(tmp_path)
    csrf = folder.csrf
    assert folder.port == 0
    folder.keep_port(8123)
    folder.keep_password("$argon2id$…".replace("…", "x"))
    again = PageFolder(tmp_path)
    assert (again.csrf, again.port, again.password) == (csrf, 8123, "$argon2id$x")
    for name in ("csrf", "port", "password"):
        assert (tmp_path / "page" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "page").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", [b"", b"\xff", b"0", b"99999", b"-1", b"x" * 10_000, b"a\nb"])
def test_damaged_files_are_as_none(tmp_path: Path, damage: bytes) -> None:
    folder = PageFolder(tmp_path)
    csrf = folder.csrf
    for name in ("csrf", "port"):
        (tmp_path / "page" / name).write_bytes(damage)
    assert folder.port == 0
    assert folder.csrf != csrf
    assert len(folder.csrf) == 43


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LibraryUnusable, match=r"Not a directory.*--library"):
        PageFolder(tmp_path / "file")
