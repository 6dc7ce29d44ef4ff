"""Commands and the users whom only another source of accounts knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.cli.conftest import Run, contents

DORA = "dora:{PLAIN}secret::::::userdb_quota_rule=*:bytes=100\n"


@pytest.fixture
def source(tmp_path: Path) -> tuple[str, ...]:
    """Settings for a source that knows ``dora``, who may hold 100 octets, and nobody else."""
    users = tmp_path / "users"
    users.write_text(DORA)
    users.chmod(0o600)
    return ("--set", "auth.sources=passwd-file", "--set", f"auth.passwd_file.path={users}")


@pytest.fixture
def mbox(tmp_path: Path) -> str:
    file = tmp_path / "mbox"
    file.write_text("From x@example.net Mon Jan  5 10:00:00 2026\nSubject: one\n\nfirst\n")
    return str(file)


def test_import_brings_mail_to_a_user_of_another_source(
    run: Run, store: Path, alice: str, source: tuple[str, ...], mbox: str
) -> None:
    said = run(*source, "import", mbox, "Dora").stdout
    assert said == "stored 1 message (23 octets) for dora\n"
    assert contents(store, "dora") == [b"Subject: one\r\n\r\nfirst\r\n"]


def test_import_heeds_the_quota_that_the_source_knows(
    run: Run, store: Path, alice: str, source: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "mbox"
    file.write_text("From x@example.net Mon Jan  5 10:00:00 2026\nSubject: one\n\n" + "x" * 100)
    assert "not stored" in run(*source, "import", str(file), "dora", code=1).stderr
    assert not contents(store, "dora")


def test_check_knows_a_user_of_another_source_without_mail(
    run: Run, alice: str, source: tuple[str, ...]
) -> None:
    assert run(*source, "maildrop", "check", "dora").stdout == "everything agrees\n"


@pytest.mark.parametrize(
    "command",
    [
        "import MBOX zoe",
        "maildrop check zoe",
        "maildrop show zoe",
        "maildrop unlock zoe",
        "device add zoe phone",
        "device list zoe",
        "device remove zoe phone --yes",
        "user require-app-passwords zoe",
    ],
)
def test_who_is_nowhere_is_told_in_one_way(
    run: Run, alice: str, source: tuple[str, ...], mbox: str, command: str
) -> None:
    arguments = [mbox if word == "MBOX" else word for word in command.split()]
    assert run(*source, *arguments, code=2).stderr == (
        "pillarbox: there is no account 'zoe': `pillarbox user list` shows all, and passwd-file has "
        "none either\n"
    )


def test_a_source_that_is_away_is_not_asked_for_users_of_the_file(
    run: Run, alice: str, source: tuple[str, ...], mbox: str, tmp_path: Path
) -> None:
    (tmp_path / "users").unlink()
    run(*source, "import", mbox, alice)
    assert "cannot be read" in run(*source, "import", mbox, "dora", code=1).stderr


@pytest.mark.parametrize("command", ["passwd", "disable", "enable", "quota"])
def test_what_the_accounts_file_does_not_have_is_changed_in_the_source(
    run: Run, alice: str, source: tuple[str, ...], command: str
) -> None:
    arguments = ["5M"] if command == "quota" else []
    said = run(*source, "user", command, "dora", *arguments, code=2).stderr
    assert "there is no account 'dora'" in said
    assert "users of passwd-file are changed there" in said


def test_device_add_does_not_make_lost_accounts_anew(
    run: Run, store: Path, alice: str, source: tuple[str, ...]
) -> None:
    """The server would start again with the new file: without alice, without any device, and
    without who may sign in with app passwords only.
    """
    run(*source, "device", "add", "dora", "phone")
    for file in store.glob("accounts.db*"):
        file.unlink()
    said = run(*source, "device", "add", "dora", "tablet", code=1).stderr
    assert "accounts.db is gone, but the store has maildrops (dora)" in said
    assert not (store / "accounts.db").exists()


def test_where_there_is_no_store_yet_the_server_makes_one(
    run: Run, source: tuple[str, ...]
) -> None:
    said = run(*source, "device", "add", "dora", "phone", code=2).stderr
    assert "or begin one with `pillarbox serve`" in said
