"""Adds an account, in a process of its own that can be killed: ``python -m tests.app.reading.adding FOLDER``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.setting_up import ConfiguredSetup
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.reader.setting_up import Found, NewAccount
from pillarbox.reader.submission import Submission

PASSWORD = "a fine and private place"
PLACE = Endpoint("pop.example.org", 995, Security.IMPLICIT_TLS, "alice")


async def nowhere(_: str) -> Sequence[Found]:
    return []


async def anything(_: Submission) -> None:
    """Every server will do."""


def add(folder: Path) -> None:
    """Unless it is there."""
    accounts = ConfiguredAccounts(folder / "pillarbox.toml", (), folder / "state")
    setup = ConfiguredSetup(accounts, anything, nowhere)
    if "home" not in accounts.names():
        setup.add(
            NewAccount(name="home", address="a@example.org", collect=PLACE, password=PASSWORD)
        )


if __name__ == "__main__":
    add(Path(sys.argv[1]))
