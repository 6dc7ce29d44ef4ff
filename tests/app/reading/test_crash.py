"""Killed at any system call, adding an account leaves the old configuration or the new one, and no account without its password."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from pillarbox.app.reading.accounts import ConfiguredAccounts
from tests.fetch.conftest import strace
from tests.fetch.test_crash import injected

__all__ = ["strace"]

BEFORE = '# mine\n[accounts.work]\nurl = "pop3s://a@b"   # TLS\n'

CHILD = """
import sys
from pathlib import Path
from pillarbox.app.reading.accounts import ConfiguredAccounts
from tests.app.reading.test_setting_up import account, anything, nowhere
from pillarbox.app.reading.setting_up import ConfiguredSetup

folder = Path(sys.argv[1])
accounts = ConfiguredAccounts(folder / "pillarbox.toml", (), folder / "state")
setup = ConfiguredSetup(accounts, anything, nowhere)
if "home" not in accounts.names():
    setup.add(account())
"""


@pytest.mark.parametrize(
    "call",
    [
        "rename",
        "mkdir",
        *(pytest.param(call, marks=pytest.mark.long) for call in ("fsync", "write")),
    ],
)
def test_killed_before_each(tmp_path: Path, strace: str, call: str) -> None:
    for number in count(1):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        (folder / "pillarbox.toml").write_text(BEFORE)
        status = add(folder, strace, "-f", "-o", "/dev/null", "-e", injected(call, number))
        names = check(folder)
        assert add(folder) == 0
        assert "home" in check(folder)
        if status == 0:
            assert "home" in names
            return
        assert status in {-9, 137}


def add(folder: Path, *before: str) -> int:
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    command = [*before, sys.executable, "-c", CHILD, str(folder)]
    return subprocess.run(command, env=environment, check=False).returncode


def check(folder: Path) -> tuple[str, ...]:
    file = folder / "pillarbox.toml"
    assert file.read_text().startswith(BEFORE)
    accounts = ConfiguredAccounts(file, (), folder / "state")
    names = tuple(accounts.names())
    if "home" in names:
        password = accounts.to_collect("home", folder).password
        assert callable(password)
        assert password() == "a fine and private place"
    for path in (folder / "pillarbox-passwords").glob("*"):
        assert path.stat().st_mode & 0o077 == 0
    return names
