"""Changes where an account's mail leaves, in a process of its own that can be killed: ``python -m tests.app.reading.changing_sending FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.reader.submission import Security, Submission
from tests.app.reading.adding import anything, nowhere

OLD, NEW = ("old.example.org", "the old one"), ("new.example.org", "the new one")


def change(folder: Path, to: tuple[str, str]) -> None:
    """To a host, with the password there."""
    accounts = ConfiguredAccounts(folder / "pillarbox.toml", (), folder / "state")
    host, password = to
    submit = Submission(host, 465, Security.TLS, "alice")
    ConfiguredSetup(accounts, anything, nowhere).set_sending("home", submit, password)


def sends(folder: Path) -> tuple[str, str]:
    """What is signed in to, and by what."""
    accounts = ConfiguredAccounts(folder / "pillarbox.toml", (), folder / "state")
    submission = accounts.to_submit("home")
    assert callable(submission.password)
    password = submission.password()
    assert isinstance(password, str)
    return submission.host, password


if __name__ == "__main__":
    change(Path(sys.argv[1]), NEW)
