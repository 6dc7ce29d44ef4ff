import asyncio
import json
from pathlib import Path

import pytest

from pillarbox.contracts.store import Finding
from pillarbox.model import Identity
from pillarbox.store.embedded import EmbeddedStore, open_store
from tests.app.cli.conftest import Run, contents, deliver

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"


def test_show_lists_the_messages_as_a_session_would(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE, TWO])
    lines = run("maildrop", "show", "ALICE").stdout.splitlines()
    assert lines[0] == f"alice: 2 messages, {len(ONE) + len(TWO)} octets"
    assert lines[1] == "view default: 2 messages, not locked"
    rows = [line.split() for line in lines[3:]]
    assert rows[0] == ["NUMBER", "OCTETS", "UNIQUE-ID"]
    assert [row[:2] for row in rows[1:]] == [["1", str(len(ONE))], ["2", str(len(TWO))]]


def test_show_an_empty_maildrop(run: Run, alice: str) -> None:
    assert run("maildrop", "show", alice).stdout.startswith("alice: 0 messages, 0 octets\n")


def test_show_as_json(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    shown = json.loads(run("maildrop", "show", alice, "--json").stdout)
    assert shown["maildrop"]["octets"] == len(ONE)
    assert shown["maildrop"]["views"][0]["locked"] is False
    (message,) = shown["messages"]
    assert (message["number"], message["octets"]) == (1, len(ONE))


def test_mail_of_an_account_that_is_gone_can_still_be_seen(
    run: Run, store: Path, alice: str
) -> None:
    deliver(store, "bob", [ONE])
    assert run("maildrop", "show", "bob").stdout.startswith("bob: 1 message, ")


def test_show_and_unlock_a_locked_maildrop(run: Run, store: Path, alice: str) -> None:
    """A session holds the lock in another event loop of this process."""
    loop = asyncio.new_event_loop()
    engine = open_store(store)
    try:
        loop.run_until_complete(engine.open(Identity(alice)))
        assert "view default: 0 messages, locked" in run("maildrop", "show", alice).stdout
        unlocked = run("maildrop", "unlock", alice).stdout
        assert unlocked == "unlocked the maildrop of alice\n"
        assert "not locked" in run("maildrop", "show", alice).stdout
        again = run("maildrop", "unlock", alice).stdout
        assert again == "the maildrop of alice was not locked\n"
    finally:
        loop.run_until_complete(engine.close())
        loop.close()


def test_check_finds_nothing_in_a_whole_store(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    assert run("maildrop", "check").stdout == "everything agrees\n"
    assert run("maildrop", "check", alice).stdout == "everything agrees\n"
    assert json.loads(run("maildrop", "check", "--json").stdout) == []


def test_check_finds_and_repairs_a_body_that_is_gone(run: Run, store: Path, alice: str) -> None:
    large = b"Subject: large\r\n\r\n" + b"x" * 76 * 10_000 + b"\r\n"
    deliver(store, alice, [ONE, large])
    (body,) = [path for path in store.rglob("bodies/**/*") if path.is_file()]
    body.unlink()

    found = run("maildrop", "check", code=1)
    assert found.stdout.splitlines()[-1] == "1 fault found; --repair mends what can be mended"
    assert found.stdout.startswith("alice: ")
    run("maildrop", "check", alice, code=1)

    repaired = run("maildrop", "check", "--repair")
    assert repaired.stdout.startswith("repaired: alice: ")
    assert repaired.stdout.splitlines()[-1] == "0 faults left, 1 repaired"
    assert run("maildrop", "check").stdout == "everything agrees\n"
    assert contents(store, alice) == [ONE]


def test_findings_as_json_and_safe_for_a_terminal(
    run: Run, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(*_: object, **__: object) -> list[Finding]:
        return [Finding("alice", "evil\x1b[2J\nname", False), Finding(None, "mended", True)]

    monkeypatch.setattr(EmbeddedStore, "check", check)
    lines = run("maildrop", "check", "--repair", code=1).stdout.splitlines()
    assert lines == [
        r"alice: evil\x1b[2J\nname",
        "repaired: mended",
        "1 fault left, 1 repaired",
    ]
    found = json.loads(run("maildrop", "check", "--json", code=1).stdout)
    assert found[0] == {"user": "alice", "problem": "evil\x1b[2J\nname", "repaired": False}
