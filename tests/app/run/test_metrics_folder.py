"""The folder of the metrics files: at nobody else's mercy, and never in the way of a start."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pillarbox.app.metrics_folder import MetricsFolder, sweep
from pillarbox.app.privileges import SystemUser, acting_as
from tests.postoffice import PostOffice

DEPTH = 1500
"""Deeper than Python's recursion goes."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def dig(folder: Path) -> None:
    """Make *folder*, and folders within folders in it."""
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)


def fill_up(folder: Path) -> None:
    """Take away what :func:`dig` has made: from the bottom, where no path is too long."""
    here, way = os.open(folder, os.O_RDONLY), []
    for _ in range(DEPTH):
        way.append(here)
        here = os.open("d", os.O_RDONLY, dir_fd=here)
    os.close(here)
    for above in reversed(way):
        os.rmdir("d", dir_fd=above)
        os.close(above)
    folder.rmdir()


def test_what_lies_in_the_world_s_temporary_folder_stops_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = tmp_path / "tmp"
    world.mkdir()
    trap = world / "pillarbox-metrics-trap"
    dig(trap)
    monkeypatch.setenv("TMPDIR", str(world))
    try:
        with PostOffice(tmp_path, users=["alice"]) as office:
            assert office.collect("alice") == []
            assert list(world.iterdir()) == [trap]
            assert office.stop() == 0
            assert office.log.find("metrics cannot be kept") == []
        assert trap.exists()
    finally:
        fill_up(trap)


def test_it_lies_in_the_store_and_goes_with_the_server(tmp_path: Path) -> None:
    folder = MetricsFolder(tmp_path, None)
    assert folder.path is not None
    assert folder.path.parent == tmp_path
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "counter_0.db").touch()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_swept_and_a_living_one_keeps_its_own(tmp_path: Path) -> None:
    living, killed = MetricsFolder(tmp_path, None), MetricsFolder(tmp_path, None)
    assert living.path
    assert killed.path
    (killed.path / "counter_0.db").touch()
    assert killed.lock is not None
    os.close(killed.lock)
    sweep(tmp_path, None)
    assert list(tmp_path.iterdir()) == [living.path]
    living.remove()


def test_a_folder_too_deep_to_remove_stops_no_start(tmp_path: Path) -> None:
    trap = tmp_path / "metrics-trap"
    dig(trap)
    try:
        sweep(tmp_path, None)
        folder = MetricsFolder(tmp_path, None)
        assert folder.path is not None
        folder.remove()
    finally:
        fill_up(trap)


@as_root
def test_only_what_is_ours_is_swept(tmp_path: Path) -> None:
    theirs, link = tmp_path / "metrics-theirs", tmp_path / "metrics-link"
    theirs.mkdir(mode=0o777)
    (theirs / "letter").touch()
    os.chown(theirs, pwd.getpwnam("nobody").pw_uid, -1)
    link.symlink_to(theirs)
    sweep(tmp_path, None)
    assert (theirs / "letter").exists()
    assert link.is_symlink()


@as_root
def test_root_makes_and_sweeps_it_with_the_user_s_rights_only(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    entry = pwd.getpwnam("nobody")
    user = SystemUser("nobody", entry.pw_uid, entry.pw_gid)
    os.chown(tmp_path, user.uid, user.gid)
    for above in tmp_path.parents:  # pytest's folders are closed to other users
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    folder = MetricsFolder(tmp_path, user)
    assert folder.path is not None
    assert folder.path.stat().st_uid == user.uid
    assert os.getresuid() == (0, 0, 0)
    folder.remove()
    assert list(tmp_path.iterdir()) == []
    roots = tmp_path / "metrics-of-root"
    roots.mkdir()
    sweep(tmp_path, user)
    assert roots.exists()
    with acting_as(user):
        assert (os.geteuid(), os.getegid()) == (user.uid, user.gid)
        assert 0 not in os.getgroups()


def test_without_a_folder_the_server_starts_and_says_what_it_does_without(tmp_path: Path) -> None:
    (tmp_path / "store").touch()  # no folder can be made in it
    with capture_logs() as logs:
        folder = MetricsFolder(tmp_path / "store", None)
    assert folder.path is None
    (line,) = logs
    assert line["event"] == "metrics cannot be kept"
    assert str(tmp_path / "store") in line["error"]
    folder.remove()
