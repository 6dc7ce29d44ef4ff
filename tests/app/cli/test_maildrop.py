import asyncio
import json
from pathlib import Path

import pytest

from pillarbox.contracts.store import Finding
from pillarbox.model import Identity
from pillarbox.store.embedded import EmbeddedStore, open_store
from tests.app.cli.conftest import Run, collect, contents, deliver, grow_older

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"


def test_show_lists_the_messages_as_a_session_would(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE, TWO])
    lines = run("maildrop", "show", "ALICE").stdout.splitlines()
    assert lines[0] == f"alice: 2 messages, {len(ONE) + len(TWO)} octets"
    assert lines[1] == "view default: 2 messages, not locked"
    rows = [line.split() for line in lines[3:]]
    assert rows[0] == ["NUMBER", "OCTETS", "UNIQUE-ID", "RECEIVED"]
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


def test_show_says_for_whom_each_message_waits(run: Run, store: Path, alice: str) -> None:
    for device in ("phone", "laptop"):
        run("device", "add", alice, device)
    deliver(store, alice, [ONE])
    collect(store, alice, "phone")
    deliver(store, alice, [TWO])
    lines = run("maildrop", "show", alice).stdout.splitlines()
    assert lines[:4] == [
        f"alice: 2 messages, {len(ONE) + len(TWO)} octets",
        "view default: 2 messages, holds none back, not locked",
        "view laptop: 2 messages, not locked",
        "view phone: 1 message, not locked",
    ]
    rows = [line.split(maxsplit=4) for line in lines[6:]]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("1", str(len(ONE)), "laptop"),
        ("2", str(len(TWO)), "laptop, phone"),
    ]
    phone = run("maildrop", "show", alice, "--device", "PHONE").stdout.splitlines()[6:]
    assert [line.split()[0] for line in phone] == ["-", "1"]
    shown = json.loads(run("maildrop", "show", alice, "--device", "phone", "--json").stdout)
    assert [message["number"] for message in shown["messages"]] == [None, 1]
    assert [message["listed_by"] for message in shown["messages"]] == [
        ["default", "laptop"],
        ["default", "laptop", "phone"],
    ]
    assert [message["held_by"] for message in shown["messages"]] == [
        ["laptop"],
        ["laptop", "phone"],
    ]


def test_show_does_not_fill_the_screen_unasked(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE] * 103)
    lines = run("maildrop", "show", alice).stdout.splitlines()
    assert len(lines) == 3 + 1 + 100 + 2
    assert lines[-1] == "and 3 more: --limit 0 shows all"
    assert len(run("maildrop", "show", alice, "--limit", "2").stdout.splitlines()) == 3 + 1 + 2 + 2
    everything = run("maildrop", "show", alice, "--limit", "0").stdout.splitlines()
    assert everything[-1].split()[0] == "103"
    assert len(json.loads(run("maildrop", "show", alice, "--json").stdout)["messages"]) == 103


@pytest.mark.parametrize("command", ["show", "unlock"])
def test_a_device_that_is_not_there(run: Run, alice: str, command: str) -> None:
    refused = run("maildrop", command, alice, "--device", "phone", code=2)
    assert "phone" in refused.stderr
    assert "cannot hold" in run("maildrop", command, alice, "--device", "a+b", code=2).stderr


def test_show_and_unlock_nobody(run: Run, alice: str) -> None:
    for command in ("show", "unlock"):
        assert "no account 'bob'" in run("maildrop", command, "bob", code=2).stderr


def test_each_device_has_a_lock_of_its_own(run: Run, store: Path, alice: str) -> None:
    run("device", "add", alice, "phone")
    loop = asyncio.new_event_loop()
    engine = open_store(store)
    try:
        loop.run_until_complete(engine.open(Identity(alice, "phone")))
        shown = run("maildrop", "show", alice).stdout.splitlines()
        assert shown[1].endswith("not locked")
        assert ", locked" in shown[2]
        assert run("maildrop", "unlock", alice).stdout == "the maildrop of alice was not locked\n"
        unlocked = run("maildrop", "unlock", alice, "--device", "phone").stdout
        assert unlocked == "unlocked phone of alice\n"
        again = run("maildrop", "unlock", alice, "--device", "phone").stdout
        assert again == "phone of alice was not locked\n"
    finally:
        loop.run_until_complete(engine.close())
        loop.close()


# -- retention -----------------------------------------------------------------------------


def test_expire_without_rules_says_so(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    assert "nothing ever goes by itself" in run("maildrop", "expire").stdout
    assert len(contents(store, alice)) == 1


def test_expire_removes_what_is_old(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    grow_older(store, days=31)
    deliver(store, alice, [TWO])
    shown = run("--set", "retention.expire_days=30", "maildrop", "expire").stdout
    assert shown == f"removed 1 message ({len(ONE)} octets)\n"
    assert contents(store, alice) == [TWO]
    again = json.loads(
        run("--set", "retention.expire_days=30", "maildrop", "expire", "--json").stdout
    )
    assert again == {"messages": 0, "octets": 0, "absent": [], "busy": 0}


def test_expire_lets_go_of_what_only_an_absent_device_held_back(
    run: Run, store: Path, alice: str
) -> None:
    for device in ("phone", "laptop"):
        run("device", "add", alice, device)
    deliver(store, alice, [ONE])
    collect(store, alice, "laptop")
    deliver(store, alice, [TWO])
    grow_older(store, days=31, view="phone")
    shown = run("--set", "retention.unread_by_device_days=30", "maildrop", "expire").stdout
    assert shown == (
        f"mail of alice no longer waits for phone\nremoved 1 message ({len(ONE)} octets)\n"
    )
    listed = run("maildrop", "show", alice, "--device", "phone").stdout.splitlines()
    assert "view phone: 1 message, holds none back, not locked" in listed
    assert run("maildrop", "check").stdout == "everything agrees\n"


def test_expire_leaves_what_is_open_for_the_next_time(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    grow_older(store, days=31)
    loop = asyncio.new_event_loop()
    engine = open_store(store)
    try:
        loop.run_until_complete(engine.open(Identity(alice)))
        shown = run("--set", "retention.expire_days=30", "maildrop", "expire").stdout
    finally:
        loop.run_until_complete(engine.close())
        loop.close()
    assert shown == "removed 0 messages (0 octets)\n1 maildrop left for the next time: in use\n"


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
