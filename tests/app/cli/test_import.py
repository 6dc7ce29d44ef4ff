from pathlib import Path

import pytest

from pillarbox.app.importing.run import Importer
from pillarbox.contracts.errors import StoreUnavailable
from tests.app.cli.conftest import Run, contents, deliver

ONE = b"Subject: one\r\n\r\n.first\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"
STORED = [b"Subject: one\r\n\r\n..first\r\n", TWO]


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    path = tmp_path / "Maildir"
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True)
    (path / "new" / "1700000001.b").write_bytes(ONE.replace(b"\r\n", b"\n"))
    (path / "cur" / "1700000002.a:2,S").write_bytes(TWO)
    return path


def test_a_maildir(run: Run, store: Path, alice: str, maildir: Path) -> None:
    result = run("import", str(maildir), "Alice")
    octets = len(ONE) + len(TWO)
    assert result.stdout == f"stored 2 messages ({octets} octets) for alice\n"
    assert result.stderr == ""
    assert contents(store, alice) == STORED


def test_an_mbox(run: Run, store: Path, alice: str, tmp_path: Path) -> None:
    separator = b"From a@b Mon Nov 23 20:19:00 2026\n"
    (tmp_path / "mbox").write_bytes(separator + ONE + b"\n" + separator + TWO + b"\n")
    run("import", str(tmp_path / "mbox"), alice)
    assert contents(store, alice) == STORED


def test_after_mail_that_is_there_already(run: Run, store: Path, alice: str, maildir: Path) -> None:
    deliver(store, alice, [b"a: b\r\n\r\n"])
    run("import", str(maildir), alice)
    assert contents(store, alice) == [b"a: b\r\n\r\n", *STORED]


def test_a_second_time_brings_what_is_new(run: Run, alice: str, maildir: Path) -> None:
    run("import", str(maildir), alice)
    (maildir / "new" / "1700000003.c").write_bytes(b"Subject: three\n\n")
    result = run("import", str(maildir), alice)
    assert result.stdout == (
        "stored 1 message (18 octets) for alice, 2 already there by an earlier import\n"
    )
    assert run("import", str(maildir), alice, "--again").stdout.startswith("stored 3 messages")


def test_removed_and_made_again_an_account_gets_everything(
    run: Run, store: Path, alice: str, maildir: Path
) -> None:
    run("import", str(maildir), alice)
    run("user", "remove", alice, "--yes")
    run("user", "add", alice, "--password-stdin", input="x\n")
    run("import", str(maildir), alice)
    assert contents(store, alice) == STORED


def test_one_bad_message_is_named_and_the_rest_is_stored(
    run: Run, store: Path, alice: str, maildir: Path
) -> None:
    (maildir / "new" / "1700000000.evil\x1b[2J").write_bytes(b"")
    result = run("import", str(maildir), alice, code=1)
    assert result.stdout.endswith("for alice, 1 failed\n")
    assert result.stderr == "not stored: new/1700000000.evil\\x1b[2J: is empty\n"
    assert contents(store, alice) == STORED


def test_many_bad_messages_do_not_hide_the_rest(run: Run, alice: str, maildir: Path) -> None:
    for number in range(50):
        (maildir / "new" / f"{number}.x").touch()
    lines = run("import", str(maildir), alice, code=1).stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "not stored: 30 more"


def test_the_quota_counts(run: Run, store: Path, maildir: Path) -> None:
    run("user", "add", "bob", "--password-stdin", "--quota", "30", input="x\n")
    result = run("import", str(maildir), "bob", code=1)
    assert result.stdout.startswith("stored 1 message ")
    assert len(contents(store, "bob")) == 1


def test_what_is_left_out_is_said(run: Run, alice: str, maildir: Path) -> None:
    (maildir / "dovecot-uidlist").touch()
    result = run("import", str(maildir), alice)
    assert result.stderr.startswith("note: unique-ids are not taken over in this version")


def test_an_import_that_breaks_says_how_far_it_came(
    run: Run, store: Path, alice: str, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver_one = Importer._deliver
    done: list[bool] = []

    async def breaks(importer: Importer, copy: object) -> bool:
        if done:
            raise StoreUnavailable("the disk is full", temporary=True)
        done.append(await deliver_one(importer, copy))  # type: ignore[arg-type]  # as it came
        return done[0]

    monkeypatch.setattr(Importer, "_deliver", breaks)
    result = run("import", str(maildir), alice, code=1)
    assert result.stderr == (
        "pillarbox: the disk is full; 1 message stored until then: the same command goes on "
        "from there\n"
    )
    monkeypatch.undo()
    assert run("import", str(maildir), alice).stdout.startswith("stored 1 message ")
    assert contents(store, alice) == STORED


def test_what_cannot_be_imported_is_refused_before_anything_is_made(
    run: Run, alice: str, tmp_path: Path, store: Path
) -> None:
    for source, said in [
        ("pop3s://a@b", "pillarbox fetch URL --to lmtp:"),
        (str(tmp_path / "none"), "there is no such Maildir or mbox"),
        (str(store / "accounts.db"), "is not an mbox"),
    ]:
        assert said in run("import", source, alice, code=2).stderr
    assert not (store / "imports").exists()


def test_an_account_that_nobody_has(run: Run, alice: str, maildir: Path) -> None:
    assert "there is no account 'bob'" in run("import", str(maildir), "bob", code=2).stderr
