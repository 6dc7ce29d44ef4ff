"""Giving up root (these need it), and what an operator is told otherwise."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.app.config import Config, ConfigError
from pillarbox.app.config.settings import Server
from pillarbox.app.config.store import StoreSettings
from pillarbox.app.privileges import become, enter_store, prepare_store, user_to_become
from tests.postoffice import PostOffice

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"
OTHER = "nobody"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach (those of pytest are for this user only)."""
    path = Path(tempfile.mkdtemp(prefix="pillarbox-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def config(store: Path, user: str = OTHER) -> Config:
    return Config(server=Server(user=user), store=StoreSettings(path=store))


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@as_root
def test_workers_and_the_health_page_are_the_configured_user(
    tmp_path: Path, open_folder: Path
) -> None:
    store = open_folder / "store"
    office = PostOffice(tmp_path, store=store, settings={"server": {"user": OTHER}})
    entry = pwd.getpwnam(OTHER)
    with office:
        assert status(office.pid)["Uid"].split() == ["0"] * 4
        for pid in office.workers():
            assert status(pid)["Uid"].split() == [str(entry.pw_uid)] * 4
            assert status(pid)["Gid"].split() == [str(entry.pw_gid)] * 4
            assert "0" not in status(pid)["Groups"].split()
            assert int(status(pid)["CapEff"], 16) == 0
        # The key stays root's (mode 0600), and a reload still reads it.
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        assert office.stop() == 0
    assert all(path.stat().st_uid == entry.pw_uid for path in [store, *store.rglob("*")])


@as_root
def test_mail_goes_in_and_out_without_root(tmp_path: Path, open_folder: Path) -> None:
    store = open_folder / "store"
    office = PostOffice(tmp_path, store=store, settings={"server": {"user": OTHER}})
    office.add_users(["alice"])
    entry = pwd.getpwnam(OTHER)
    for path in (store, *store.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    with office:
        office.deliver(MESSAGE, "alice")
        assert len(office.collect("alice")) == 1


@as_root
def test_an_unknown_user_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, settings={"server": {"user": "no-such-user"}})
    done = office.run("serve")
    assert done.returncode == 2
    assert 'server.user: this machine has no user "no-such-user"' in done.stderr
    assert "useradd" in done.stderr


@as_root
def test_root_serves_only_when_it_is_written_down(tmp_path: Path) -> None:
    assert user_to_become(config(tmp_path, "root")) is None
    chosen = user_to_become(config(tmp_path))
    assert chosen is not None
    assert chosen.name == OTHER


@as_root
def test_the_store_s_folder_is_made_for_the_user(tmp_path: Path) -> None:
    user = user_to_become(config(tmp_path))
    assert user is not None
    fresh = tmp_path / "a" / "store"
    prepare_store(config(fresh), user)
    assert (fresh.stat().st_uid, fresh.stat().st_mode & 0o777) == (user.uid, 0o700)
    # An empty folder of root's, as a container's volume is, is handed over …
    (tmp_path / "volume").mkdir()
    prepare_store(config(tmp_path / "volume"), user)
    assert (tmp_path / "volume").stat().st_uid == user.uid
    # … a full one is not touched.
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    with pytest.raises(ConfigError, match=r"belongs to root.*chown -R nobody:"):
        prepare_store(config(tmp_path / "full"), user)
    assert (tmp_path / "full").stat().st_uid == 0


@as_root
@pytest.mark.parametrize("inner", ["", "sub", "sub/store"])
@pytest.mark.parametrize("roots_link", [False, True])
def test_no_folder_is_handed_over_through_a_strangers_link(
    tmp_path: Path, inner: str, roots_link: bool
) -> None:
    """The service user's own folder holds the store's name, and leads it somewhere else."""
    user = user_to_become(config(tmp_path))
    assert user is not None
    roots = tmp_path / "roots"
    roots.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    (home / "store").symlink_to(roots)
    os.chown(home, user.uid, user.gid)
    if not roots_link:
        os.chown(home / "store", user.uid, user.gid, follow_symlinks=False)
    with pytest.raises(ConfigError, match=r'"store" in it is a symbolic link that is not only'):
        prepare_store(config(home / "store" / inner), user)
    assert roots.stat().st_uid == 0
    assert not list(roots.iterdir())


@as_root
@pytest.mark.parametrize("relative", [False, True])
def test_root_s_own_link_may_lead_to_the_store(tmp_path: Path, relative: bool) -> None:
    user = user_to_become(config(tmp_path))
    assert user is not None
    (tmp_path / "disk").mkdir()
    (tmp_path / "var").symlink_to(
        Path("../" + tmp_path.name) / "disk" if relative else tmp_path / "disk"
    )
    prepare_store(config(tmp_path / "var" / ".." / "disk" / "a" / "store"), user)
    prepare_store(config(tmp_path / "var" / "b" / "store"), user)
    for name in ("a", "b"):
        assert (tmp_path / "disk" / name).stat().st_uid == 0
        assert (tmp_path / "disk" / name / "store").stat().st_uid == user.uid


@as_root
def test_links_in_a_circle_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ConfigError, match="Too many levels of symbolic links"):
        prepare_store(config(tmp_path / "a"), user_to_become(config(tmp_path)))


@as_root
def test_a_file_in_the_store_s_place_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(ConfigError, match="Not a directory"):
            prepare_store(config(path), user_to_become(config(tmp_path)))


@as_root
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    user = user_to_become(config(tmp_path))
    before = sorted(Path("/proc/self/fd").iterdir())
    prepare_store(config(tmp_path / "a" / "store"), user)
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@as_root
def test_a_command_of_root_s_becomes_the_user_for_good(open_folder: Path) -> None:
    store = open_folder / "store"
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            enter_store(config(store))
            (store / "made").touch()
            with contextlib.suppress(PermissionError):
                os.setuid(0)
            code = 0 if os.getresuid() == (pwd.getpwnam(OTHER).pw_uid,) * 3 else 2
            # Else libraries stumble over files of root's, as that of PostgreSQL does.
            code = code if os.environ["HOME"] == pwd.getpwnam(OTHER).pw_dir else 3
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    made = (store / "made").stat()
    assert made.st_uid == pwd.getpwnam(OTHER).pw_uid
    assert made.st_mode & 0o077 == 0


def test_nobody_else_has_anything_to_give_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert user_to_become(config(tmp_path, "no-such-user")) is None
    before = os.umask(0o022)
    try:
        become(None)
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)


def test_a_store_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"store.path: cannot use the folder"):
        prepare_store(config(tmp_path / "file" / "store"), None)
