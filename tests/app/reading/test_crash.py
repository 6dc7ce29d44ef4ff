"""Killed at any system call, adding an account leaves the old configuration or the new one, and no account without its password."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from pillarbox.app.reading.accounts import ConfiguredAccounts
from tests.app.reading.adding import PASSWORD, add
from tests.app.reading.changing_sending import NEW, OLD, change, sends
from tests.fetch.conftest import strace
from tests.fetch.test_crash import injected

__all__ = ["strace"]

BEFORE = '# mine\n[accounts.work]\nurl = "pop3s://a@b"   # TLS\n'


@pytest.mark.parametrize(
    "call",
    [
        "rename",
        "mkdir",
        *(pytest.param(call, marks=pytest.mark.long) for call in ("fsync", "write")),
    ],
)
def test_killed_before_each(
    tmp_path: Path, strace: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for number in count(1):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "pillarbox.toml").write_text(BEFORE)
        status = killed(folder, strace, call, number)
        names = check(folder)
        add(folder)
        assert "home" in check(folder)
        if status == 0:
            assert "home" in names
            return
        assert status in {-9, 137}


@pytest.mark.parametrize(
    "call",
    [
        "rename",
        "unlink",
        *(pytest.param(call, marks=pytest.mark.long) for call in ("fsync", "write")),
    ],
)
def test_killed_while_another_server_for_sending_is_kept_it_names_no_wrong_password(
    tmp_path: Path, strace: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old server was told the new one's password."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for number in count(1):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "pillarbox.toml").write_text(BEFORE)
        add(folder)
        change(folder, OLD)
        status = killed(folder, strace, call, number, what="changing_sending")
        found = sends(folder)
        assert found in {OLD, NEW}
        change(folder, NEW)
        assert sends(folder) == NEW
        change(folder, OLD)
        assert sends(folder) == OLD
        kept = [path.name for path in (folder / "pillarbox-passwords").iterdir()]
        assert len([name for name in kept if not name.startswith(".")]) == 2
        if status == 0:
            assert found == NEW
            return
        assert status in {-9, 137}


def killed(folder: Path, strace: str, call: str, number: int, what: str = "adding") -> int:
    """While it adds an account, say, before that call; its exit status."""
    command = [strace, "-f", "-o", "/dev/null", "-e", injected(call, number)]
    command += [sys.executable, "-m", f"tests.app.reading.{what}", str(folder)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, check=False).returncode


def check(folder: Path) -> tuple[str, ...]:
    file = folder / "pillarbox.toml"
    assert file.read_text().startswith(BEFORE)
    accounts = ConfiguredAccounts(file, (), folder / "state")
    names = tuple(accounts.names())
    if "home" in names:
        password = accounts.to_collect("home", folder).password
        assert callable(password)
        assert password() == PASSWORD
    for path in (folder / "pillarbox-passwords").glob("*"):
        assert path.stat().st_mode & 0o077 == 0
    return names
