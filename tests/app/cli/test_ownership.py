"""Run by root, commands leave nothing behind that the server's user could not read."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import pillarbox

USER = "nobody"


def _open_to_all(path: Path) -> bool:
    return all(
        part.stat().st_mode & stat.S_IXOTH for part in [path, *path.parents] if part.is_dir()
    )


pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else"),
    pytest.mark.skipif(
        not (_open_to_all(Path(pillarbox.__file__)) and _open_to_all(Path(sys.prefix))),
        reason="other users cannot read this installation",
    ),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Unlike pytest's own, one that other users may enter."""
    path = Path(tempfile.mkdtemp(prefix="pillarbox-ownership-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def pillarbox_as_root(folder: Path, *arguments: str, code: int = 0, text: str = "") -> str:
    command = [sys.executable, "-m", "pillarbox", "--set", f"server.user={USER}"]
    command += ["--set", f"store.path={folder / 'store'}", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def owners(path: Path) -> set[str]:
    return {pwd.getpwuid(found.lstat().st_uid).pw_name for found in [path, *path.rglob("*")]}


def test_everything_that_is_made_belongs_to_the_servers_user(folder: Path) -> None:
    maildir = folder / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    (maildir / "new" / "1.a").write_bytes(b"a: b\n\n" + b"x" * 200_000)
    (maildir / "new" / "1.a").chmod(0o600)
    maildir.chmod(0o700)  # readable for root, not for the server's user
    pillarbox_as_root(folder, "user", "add", "alice", "--password-stdin", text="secret\n")
    assert "stored 1 message" in pillarbox_as_root(folder, "import", str(maildir), "alice")
    pillarbox_as_root(folder, "maildrop", "check", "--repair")
    pillarbox_as_root(folder, "user", "list")
    assert owners(folder / "store") == {USER}
    assert owners(maildir) == {"root"}


def test_an_empty_folder_of_roots_is_handed_over(folder: Path) -> None:
    (folder / "store").mkdir(mode=0o700)
    pillarbox_as_root(folder, "user", "add", "alice", "--password-stdin", text="secret\n")
    assert owners(folder / "store") == {USER}


def test_a_store_of_somebody_else_is_not_touched(folder: Path) -> None:
    (folder / "store").mkdir(mode=0o700)
    (folder / "store" / "file").touch()
    said = pillarbox_as_root(folder, "user", "list", code=2)
    assert f"store.path: the folder {folder / 'store'} belongs to root" in said
    assert owners(folder / "store") == {"root"}


def test_a_user_that_this_machine_does_not_have(folder: Path) -> None:
    (folder / "store").mkdir()
    said = pillarbox_as_root(
        folder, "--set", "server.user=nobody-of-that-name", "user", "list", code=2
    )
    assert 'server.user: this machine has no user "nobody-of-that-name"' in said


@pytest.mark.skipif(
    not _open_to_all(Path(sys.executable).resolve()), reason="other users cannot run this Python"
)
def test_somebody_else_is_told_whose_store_it_is(folder: Path) -> None:
    (folder / "store").mkdir(mode=0o700)
    other = pwd.getpwnam(USER)
    command = [sys.executable, "-m", "pillarbox", "--set", f"store.path={folder / 'store'}"]
    done = subprocess.run(
        [*command, "user", "list"],
        capture_output=True,
        text=True,
        check=False,
        user=other.pw_uid,
        cwd="/",
    )
    assert done.returncode == 2
    assert f"{folder / 'store'} (store.path) belongs to root: run this as root" in done.stderr
