import contextlib
import fcntl
import itertools
import json
from pathlib import Path

import pytest

from pillarbox.app.cli import storage
from pillarbox.auth.accounts import Accounts
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.embedded import EmbeddedStore
from tests.app.cli.conftest import Run, contents, deliver


def accounts_of(store: Path) -> Accounts:
    return Accounts(store / "accounts.db")


def proves(store: Path, name: str, password: str) -> bool:
    accounts = accounts_of(store)
    record = accounts.get(name)
    accounts.close()
    return accounts.passwords.proves(record.verifier, password.encode())


def test_add_makes_the_store_and_an_account_with_that_password(run: Run, store: Path) -> None:
    result = run("user", "add", "Alice", "--password-stdin", input="pass word \n")
    assert result.stdout == "added alice: mail for alice@example.org is kept for it\n"
    assert proves(store, "alice", "pass word ")
    assert not proves(store, "alice", "pass word")


def test_only_the_owner_can_read_what_is_made(run: Run, store: Path, alice: str) -> None:
    run("maildrop", "show", alice)
    assert [path for path in [store, *store.rglob("*")] if path.stat().st_mode & 0o077] == []


def test_one_line_is_read_with_either_line_end_or_none(run: Run, store: Path) -> None:
    for name, text in [("a", "geheim\n"), ("b", "geheim\r\n"), ("c", "geheim"), ("d", "geheim\nx")]:
        run("user", "add", name, "--password-stdin", input=text)
        assert proves(store, name, "geheim")


def test_add_takes_a_quota_with_a_unit(run: Run, store: Path) -> None:
    run("user", "add", "alice", "--password-stdin", "--quota", "5M", input="x\n")
    assert accounts_of(store).get("alice").quota_octets == 5 * 1024 * 1024


def test_add_keeps_no_readable_password_unless_asked(run: Run, store: Path) -> None:
    run("user", "add", "alice", "--password-stdin", input="x\n")
    run("user", "add", "bob", "--password-stdin", "--apop", input="x\n")
    assert accounts_of(store).get("alice").apop_secret is None
    assert accounts_of(store).get("bob").apop_secret == b"x"


def test_add_refuses_what_cannot_be(run: Run, alice: str) -> None:
    for name, text, said in [
        ("ALICE", "x\n", "there already is an account 'alice'"),
        ("a@b", "x\n", "a name cannot hold '@'"),
        ("..", "x\n", "a name cannot"),
        ("bob", "", "its line is empty"),
        ("bob", "\n", "its line is empty"),
        ("bob", "x" * 5000, "too long"),
        ("bob", "x" * 300 + "\n", "at most 200 octets"),
    ]:
        result = run("user", "add", name, "--password-stdin", input=text, code=2)
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""
    undecodable = run("user", "add", "bob", "--password-stdin", input=b"\xff\n", code=2)
    assert "is not UTF-8" in undecodable.stderr


def test_add_refuses_a_quota_that_is_no_size(run: Run) -> None:
    result = run("user", "add", "bob", "--password-stdin", "--quota", "much", input="x\n", code=2)
    assert '"much" is not a size' in result.stderr.replace("\n", " ")


def test_without_a_terminal_the_password_is_not_asked_for(run: Run) -> None:
    result = run("user", "add", "bob", input="x\n", code=2)
    assert result.stderr == (
        "pillarbox: there is no terminal to ask for the password: use --password-stdin\n"
    )


def test_list_shows_state_and_quota(run: Run, alice: str) -> None:
    run("user", "add", "bob", "--password-stdin", "--quota", "2G", input="x\n")
    run("user", "disable", "bob")
    lines = [line.split() for line in run("user", "list").stdout.splitlines()]
    assert lines[0] == ["NAME", "STATE", "QUOTA", "MADE"]
    assert [line[:3] for line in lines[1:]] == [["alice", "active", "-"], ["bob", "disabled", "2G"]]


def test_list_as_json_holds_no_secret(run: Run) -> None:
    run("user", "add", "bob", "--password-stdin", "--apop", input="geheim\n")
    result = run("user", "list", "--json")
    (bob,) = json.loads(result.stdout)
    assert bob.pop("created_at") == bob.pop("changed_at")
    assert bob == {
        "name": "bob",
        "disabled": False,
        "quota_octets": 0,
        "apop": True,
        "app_passwords_only": False,
        "hash": "ARGON2ID",
    }
    assert "geheim" not in result.stdout


def test_passwd_gives_another_password(run: Run, store: Path, alice: str) -> None:
    run("user", "passwd", alice, "--password-stdin", input="other\n")
    assert proves(store, alice, "other")
    assert not proves(store, alice, "secret")


def test_passwd_changes_apop_only_when_asked(run: Run, store: Path, alice: str) -> None:
    for options, expected in [
        ([], None),
        (["--apop"], b"x"),
        ([], b"x"),
        (["--no-apop"], None),
    ]:
        run("user", "passwd", alice, "--password-stdin", *options, input="x\n")
        assert accounts_of(store).get(alice).apop_secret == expected


def test_quota_gives_another_quota(run: Run, store: Path, alice: str) -> None:
    assert run("user", "quota", alice, "1G").stdout == "alice may hold 1G\n"
    assert accounts_of(store).get(alice).quota_octets == 1024**3
    assert run("user", "quota", alice, "0").stdout == "alice has the server's quota\n"
    assert accounts_of(store).get(alice).quota_octets == 0


def test_disable_and_enable(run: Run, store: Path, alice: str) -> None:
    run("user", "disable", alice)
    assert accounts_of(store).get(alice).disabled
    run("user", "enable", alice)
    assert not accounts_of(store).get(alice).disabled
    assert proves(store, alice, "secret")


def test_remove_takes_account_and_mail(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [b"a: b\n\none\n", b"a: b\n\ntwo\n"])
    assert run("user", "remove", alice, "--yes").stdout == "removed alice and 2 messages\n"
    assert json.loads(run("user", "list", "--json").stdout) == []
    run("user", "add", alice, "--password-stdin", input="x\n")
    assert contents(store, alice) == []


def test_add_does_not_hand_over_mail_of_an_earlier_account(run: Run, store: Path) -> None:
    run("user", "add", "bob", "--password-stdin", input="x\n")
    deliver(store, "alice", [b"a: b\n\nfor the former alice\n"])
    refused = run("user", "add", "Alice", "--password-stdin", input="x\n", code=2)
    assert "a maildrop of the name 'alice' already holds 1 message (30 octets)" in refused.stderr
    assert "--keep-mail" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert accounts_of(store).find("alice") is None
    assert len(contents(store, "alice")) == 1


def test_add_keeps_the_mail_that_is_there_when_told_to(run: Run, store: Path) -> None:
    run("user", "add", "bob", "--password-stdin", input="x\n")
    deliver(store, "alice", [b"a: b\n\none\n"])
    added = run("user", "add", "alice", "--keep-mail", "--password-stdin", input="x\n")
    assert added.stdout == (
        "added alice, with 1 message from before: mail for alice@example.org is kept for it\n"
    )
    assert len(contents(store, "alice")) == 1


def test_add_does_away_with_the_mail_that_is_there_when_told_to(run: Run, store: Path) -> None:
    run("user", "add", "bob", "--password-stdin", input="x\n")
    deliver(store, "alice", [b"a: b\n\none\n"])
    run("user", "add", "alice", "--discard-mail", "--password-stdin", input="x\n")
    assert contents(store, "alice") == []
    assert proves(store, "alice", "x")


def test_add_cannot_keep_and_discard(run: Run, store: Path) -> None:
    both = ["--keep-mail", "--discard-mail"]
    result = run("user", "add", "alice", *both, "--password-stdin", input="x\n", code=2)
    assert "--keep-mail or --discard-mail, not both" in result.stderr
    assert not store.exists()


def test_remove_asks_and_without_a_terminal_refuses(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [b"a: b\n\none\n"])
    result = run("user", "remove", alice, input="y\n", code=2)
    assert "alice has 1 message (13 octets), and there is no terminal" in result.stderr
    assert not accounts_of(store).get(alice).disabled
    assert len(contents(store, alice)) == 1


@pytest.mark.parametrize("before", ["enable", "disable"])
def test_remove_that_ends_at_a_held_lock_says_what_it_has_done_and_can_be_repeated(
    run: Run, store: Path, alice: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(store, alice, [b"a: b\n\none\n"])
    run("user", before, alice)
    with contextlib.ExitStack() as held:
        hurry = held.enter_context(monkeypatch.context())
        hurry.setattr(storage, "COMMAND_PATIENCE_SECONDS", 0)
        for path in store.glob("shard-*/writer.lock"):
            fcntl.flock(held.enter_context(path.open("wb")), fcntl.LOCK_EX)
        failed = run("user", "remove", alice, "--yes", code=1)
    said = failed.stderr.splitlines()[-1]
    assert str(store) in said  # why: told by the store
    assert "alice is disabled, but not removed" in said
    assert "give the command again" in said
    assert ("pillarbox user enable alice" in said) == (before == "enable")
    assert accounts_of(store).get(alice).disabled
    assert len(contents(store, alice)) == 1
    assert run("user", "remove", alice, "--yes").stdout == "removed alice and 1 message\n"


def test_remove_that_is_interrupted_at_a_held_lock_says_what_it_has_done(
    run: Run, store: Path, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(EmbeddedStore, "remove", interrupted)
    failed = run("user", "remove", alice, "--yes", code=1)
    assert "alice is disabled, but not removed" in failed.stderr
    assert accounts_of(store).get(alice).disabled


def test_remove_that_cannot_take_away_late_mail_says_where_that_is(
    run: Run, store: Path, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came in while the account was removed, and then somebody held the lock."""
    remove = EmbeddedStore.remove
    calls = itertools.count(1)

    async def held_at_last(engine: EmbeddedStore, user: str) -> None:
        if next(calls) == 2:
            raise StoreUnavailable("writer.lock is locked by process 1", temporary=True)
        await remove(engine, user)

    monkeypatch.setattr(EmbeddedStore, "remove", held_at_last)
    failed = run("user", "remove", alice, "--yes", code=1)
    said = failed.stderr.splitlines()[-1]
    assert "writer.lock is locked by process 1" in said
    assert "alice is removed" in said
    assert "--discard-mail" in said
    assert accounts_of(store).find(alice) is None


def test_a_name_that_nobody_has(run: Run, alice: str) -> None:
    for command in (
        ["user", "passwd", "bob", "--password-stdin"],
        ["user", "quota", "bob", "1"],
        ["user", "disable", "bob"],
        ["user", "enable", "bob"],
        ["user", "remove", "bob", "--yes"],
        ["maildrop", "show", "bob"],
        ["maildrop", "unlock", "bob"],
        ["maildrop", "check", "bob"],
    ):
        result = run(*command, input="x\n", code=2)
        assert "there is no account 'bob'" in result.stderr


def test_a_store_that_is_not_there_is_not_made_by_looking(run: Run, store: Path) -> None:
    for command in (
        ["user", "list"],
        ["user", "passwd", "alice", "--password-stdin"],
        ["maildrop", "show", "alice"],
        ["maildrop", "check"],
    ):
        result = run(*command, input="x\n", code=2)
        assert f"there is no post office at {store}" in result.stderr
        assert not store.exists()
