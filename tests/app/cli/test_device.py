"""``pillarbox device``: what it makes, what it shows, what it takes away; and half-done work."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from pillarbox.app.cli import app
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.sasl.claims import PasswordClaim
from pillarbox.store.embedded import EmbeddedStore, open_store
from tests.app.cli.conftest import Run, collect, deliver, grow_older

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"

Result = TypeVar("Result")


def with_store(store: Path, act: Callable[[EmbeddedStore], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        engine = open_store(store)
        try:
            return await act(engine)
        finally:
            await engine.close()

    return asyncio.run(run())


def opens(store: Path, name: str, password: str) -> Identity | None:
    """What *password* opens under *name*; None: nothing."""

    async def check() -> Identity | None:
        accounts = Accounts(store / "accounts.db")
        authenticator = LocalAuthenticator(accounts, domains=["example.org"])
        try:
            return await authenticator.check(PasswordClaim(name, password), "192.0.2.1")
        except CredentialsRefused:
            return None
        finally:
            authenticator.close()
            accounts.close()

    return asyncio.run(check())


def listed(run: Run, user: str = "alice") -> dict[str, dict[str, Any]]:
    """``device list --json``, by name."""
    found = json.loads(run("device", "list", user, "--json").stdout)
    return {device["device"]: device for device in found}


def add(run: Run, device: str, *options: str) -> dict[str, Any]:
    added: dict[str, Any] = json.loads(
        run("device", "add", "alice", device, "--json", *options).stdout
    )
    return added


# -- add -----------------------------------------------------------------------------------


def test_add_prints_what_to_enter(run: Run, alice: str) -> None:
    shown = run(
        "--set", "server.hostname=mail.example.org", "device", "add", "Alice", "Phone"
    ).stdout
    rows = dict(re.findall(r"^(user name|password|server|port) +(.*)$", shown, re.MULTILINE))
    assert rows["user name"] == "alice+phone"
    assert rows["server"] == "mail.example.org (POP3)"
    assert rows["port"].startswith("110, ")
    assert re.fullmatch(r"[a-z]{4}(-[a-z]{4})+", rows["password"])


def test_the_ports_are_those_that_are_served(run: Run, alice: str, tmp_path: Path) -> None:
    added = json.loads(
        run(
            *("--set", "tls.certificate=cert.pem"),
            *("--set", "listen.pop3s=[::]:995,127.0.0.1:995,unix:/run/x"),
            *("--set", "listen.pop3=[::]:110"),
            *("device", "add", "alice", "phone", "--json"),
        ).stdout
    )
    assert added["ports"] == [
        {"port": 995, "security": "tls"},
        {"port": 110, "security": "starttls"},
    ]


def test_the_password_that_is_printed_opens_the_view(run: Run, store: Path, alice: str) -> None:
    password = add(run, "phone")["password"]
    assert opens(store, "alice+phone", password) == Identity("alice", "phone")
    assert opens(store, "alice", password) == Identity("alice", "phone")


def test_the_password_is_kept_nowhere(run: Run, store: Path, alice: str) -> None:
    password = add(run, "phone")["password"]
    letters = password.replace("-", "")
    for file in store.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert password.encode() not in content
            assert letters.encode() not in content


def test_a_new_device_sees_what_is_there(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE, TWO])
    add(run, "phone")
    assert listed(run)["phone"]["messages"] == 2


def test_or_only_what_comes_from_now_on(run: Run, store: Path, alice: str) -> None:
    deliver(store, alice, [ONE])
    add(run, "phone", "--from-now-on")
    assert listed(run)["phone"]["messages"] == 0
    deliver(store, alice, [TWO])
    assert listed(run)["phone"]["messages"] == 1
    assert listed(run)["phone"]["octets"] == len(TWO)


def test_what_one_device_deletes_the_other_still_gets(run: Run, store: Path, alice: str) -> None:
    for device in ("phone", "laptop"):
        add(run, device)
    deliver(store, alice, [ONE, TWO])
    assert collect(store, alice, "phone") == 2
    found = listed(run)
    assert (found["phone"]["messages"], found["laptop"]["messages"]) == (0, 2)
    assert collect(store, alice, "laptop") == 2
    assert run("maildrop", "show", alice).stdout.startswith("alice: 0 messages, ")


def test_a_user_of_another_source_has_devices_too(
    run: Run, store: Path, tmp_path: Path, alice: str
) -> None:
    users = tmp_path / "users"
    users.write_text("dora:{PLAIN}secret\n")
    users.chmod(0o600)
    source = ("--set", "auth.sources=passwd-file", "--set", f"auth.passwd_file.path={users}")
    added = json.loads(run(*source, "device", "add", "dora", "phone", "--json").stdout)
    assert added["user_name"] == "dora+phone"
    (store / "accounts.db").unlink()  # it is needed for nothing else then
    run("device", "add", "dora", "tablet", code=1)
    run(*source, "device", "add", "dora", "tablet")
    refused = run(*source, "device", "add", "nobody", "phone", code=2)
    assert "passwd-file" in refused.stderr


@pytest.mark.parametrize(
    ("user", "device", "said"),
    [
        ("bob", "phone", "there is no account 'bob'"),
        ("alice", "default", "no device can have the name 'default'"),
        ("alice", "a+b", "a name cannot hold '+'"),
        ("alice", "x" * 33, "at most 32 characters"),
        ("alice", "", "cannot be empty"),
    ],
)
def test_add_refuses_what_cannot_be(
    run: Run, alice: str, user: str, device: str, said: str
) -> None:
    refused = run("device", "add", user, device, code=2)
    assert said in refused.stderr
    assert refused.stdout == ""
    assert list(listed(run)) == [DEFAULT_VIEW]


def test_a_device_that_exists_is_not_made_again(run: Run, alice: str) -> None:
    add(run, "phone")
    refused = run("device", "add", "alice", "PHONE", code=2)
    assert "alice already has a device 'phone'" in refused.stderr


def test_a_code_is_drawn_on_a_terminal_only(
    run: Run, alice: str, monkeypatch: pytest.MonkeyPatch, settings: list[str]
) -> None:
    assert "\x1b" not in run("device", "add", alice, "one").stdout
    monkeypatch.setattr("pillarbox.app.cli.device.add.can_show_codes", lambda stream: True)
    shown = CliRunner().invoke(app, [*settings, "device", "add", alice, "two"]).output
    assert "\u2580" in shown
    assert "\x1b[40;97m" in shown
    without = CliRunner().invoke(app, [*settings, "device", "add", alice, "three", "--no-qr"])
    assert "\u2580" not in without.output


# -- half done -----------------------------------------------------------------------------


def test_a_view_without_a_password_is_shown_and_add_completes_it(
    run: Run, store: Path, alice: str
) -> None:
    """What a crash between the two steps of `add` leaves."""
    with_store(store, lambda engine: engine.add_view(alice, "phone"))
    deliver(store, alice, [ONE])
    (warning,) = listed(run)["phone"]["warnings"]
    assert "no app password" in warning
    assert "has no app password" in run("device", "list", alice).stdout
    shown = run("device", "add", alice, "phone").stdout
    assert "was there already, with 1 message" in shown
    assert listed(run)["phone"]["warnings"] == []
    assert listed(run)["phone"]["messages"] == 1


def test_mail_that_waits_in_such_a_view_is_not_dropped_by_from_now_on(
    run: Run, store: Path, alice: str
) -> None:
    with_store(store, lambda engine: engine.add_view(alice, "phone"))
    deliver(store, alice, [ONE])
    refused = run("device", "add", alice, "phone", "--from-now-on", code=2)
    assert "device remove alice phone" in refused.stderr
    assert not listed(run)["phone"]["has_password"]


def test_an_empty_one_is_completed_from_now_on(run: Run, store: Path, alice: str) -> None:
    with_store(store, lambda engine: engine.add_view(alice, "phone", from_now_on=True))
    assert add(run, "phone", "--from-now-on")["password"]


def test_a_password_without_a_view_is_shown_and_add_makes_the_view(
    run: Run, store: Path, alice: str
) -> None:
    """A store that was restored from an older backup than the accounts."""
    accounts = Accounts(store / "accounts.db")
    accounts.add_device(alice, "phone")
    accounts.close()
    (warning,) = listed(run)["phone"]["warnings"]
    assert "no view" in warning
    assert "-" in run("device", "list", alice).stdout
    assert "has its view again" in run("device", "add", alice, "phone").stdout
    assert listed(run)["phone"]["has_view"]
    assert listed(run)["phone"]["warnings"] == []


def test_what_is_half_there_can_be_removed(run: Run, store: Path, alice: str) -> None:
    with_store(store, lambda engine: engine.add_view(alice, "one"))
    accounts = Accounts(store / "accounts.db")
    accounts.add_device(alice, "two")
    accounts.close()
    for device in ("one", "two"):
        run("device", "remove", alice, device, "--yes")
    assert list(listed(run)) == [DEFAULT_VIEW]


# -- list ----------------------------------------------------------------------------------


def test_list_of_an_account_without_devices(run: Run, alice: str) -> None:
    (device,) = listed(run).values()
    assert (device["device"], device["holds"], device["seen_at"]) == (DEFAULT_VIEW, False, None)
    lines = run("device", "list", alice).stdout.splitlines()
    assert lines[0].split() == ["DEVICE", "MADE", "LAST", "SEEN", "MESSAGES", "OCTETS", "HOLDS"]


def test_list_of_nobody(run: Run, alice: str) -> None:
    assert "there is no account 'bob'" in run("device", "list", "bob", code=2).stderr


def test_a_view_that_was_used_has_been_seen_and_holds(run: Run, store: Path, alice: str) -> None:
    add(run, "phone")
    collect(store, alice, DEFAULT_VIEW)
    found = listed(run)
    assert found[DEFAULT_VIEW]["holds"]
    assert found[DEFAULT_VIEW]["seen_at"]
    assert found["phone"]["seen_at"] is None


def test_a_device_that_does_not_come_is_warned_of_before_and_after(
    run: Run, store: Path, alice: str
) -> None:
    add(run, "phone")
    month = ("--set", "retention.unread_by_device_days=30")
    grow_older(store, days=25.5, view="phone")
    assert "phone" not in run("device", "list", alice).stdout.partition("\n\n")[2]
    shown = run(*month, "device", "list", alice).stdout
    assert "phone: does not come; in 4 days mail will no longer wait for it" in shown
    grow_older(store, days=10, view="phone")
    shown = run(*month, "device", "list", alice).stdout
    assert "phone: has been gone for too long" in shown
    (phone,) = [d for d in json.loads(run(*month, "device", "list", alice, "--json").stdout) if d["device"] == "phone"]  # fmt: skip
    assert phone["state"] == "absent"


# -- remove --------------------------------------------------------------------------------


def test_remove_releases_what_only_the_device_held_back(run: Run, store: Path, alice: str) -> None:
    for device in ("phone", "laptop"):
        add(run, device)
    deliver(store, alice, [ONE, TWO])
    collect(store, alice, "laptop")
    deliver(store, alice, [ONE])
    shown = run("device", "remove", alice, "phone", "--yes").stdout
    assert shown == "removed phone of alice; 2 messages that only it held back went with it\n"
    assert list(listed(run)) == [DEFAULT_VIEW, "laptop"]
    assert listed(run)["laptop"]["messages"] == 1
    assert run("maildrop", "check").stdout == "everything agrees\n"


def test_what_a_device_that_is_gone_had_deleted_counts(run: Run, store: Path, alice: str) -> None:
    for device in ("phone", "laptop"):
        add(run, device)
    deliver(store, alice, [ONE, TWO])
    collect(store, alice, "laptop")
    run("device", "remove", alice, "laptop", "--yes")
    assert listed(run)["phone"]["messages"] == 2
    shown = run("device", "remove", alice, "phone", "--yes").stdout
    assert shown == "removed phone of alice; 2 messages that only it held back went with it\n"


def test_without_a_terminal_remove_wants_yes(run: Run, store: Path, alice: str) -> None:
    for device in ("phone", "laptop"):
        add(run, device)
    deliver(store, alice, [ONE])
    collect(store, alice, "laptop")
    refused = run("device", "remove", alice, "phone", code=2)
    assert "1 message" in refused.stderr
    assert "--yes" in refused.stderr
    assert set(listed(run)) == {DEFAULT_VIEW, "phone", "laptop"}


@pytest.mark.parametrize(("answer", "left"), [("n", True), ("y", False)])
def test_a_terminal_is_asked(
    run: Run,
    store: Path,
    alice: str,
    settings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    left: bool,
) -> None:
    add(run, "phone")
    deliver(store, alice, [ONE])
    collect(store, alice)
    add(run, "laptop", "--from-now-on")
    monkeypatch.setattr("pillarbox.app.cli.device.remove.is_terminal", lambda: True)
    result = CliRunner().invoke(
        app, [*settings, "device", "remove", alice, "phone"], input=f"{answer}\n"
    )
    assert f"1 message ({len(ONE)} octets) waiting for it alone" in result.output
    assert "Remove phone of alice?" in result.output
    assert ("phone" in listed(run)) is left


@pytest.mark.parametrize("device", ["phone", "a+b"])
def test_remove_what_is_not_there(run: Run, alice: str, device: str) -> None:
    assert run("device", "remove", alice, device, "--yes", code=2).stderr
    assert "there is no account" in run("device", "remove", "bob", "x", "--yes", code=2).stderr


def test_the_default_view_can_be_told_to_hold_nothing(run: Run, store: Path, alice: str) -> None:
    add(run, "phone")
    deliver(store, alice, [ONE])
    collect_none = Identity(alice)

    async def look(engine: EmbeddedStore) -> None:
        await (await engine.open(collect_none)).release()

    with_store(store, look)
    collect(store, alice, "phone")
    assert listed(run)[DEFAULT_VIEW]["holds"]
    shown = run("device", "remove", alice, "DEFAULT", "--yes").stdout
    assert "1 message that only it held back" in shown
    assert not listed(run)[DEFAULT_VIEW]["holds"]
    with_store(store, look)
    assert listed(run)[DEFAULT_VIEW]["holds"]


def test_a_device_made_again_is_a_new_one(run: Run, store: Path, alice: str) -> None:
    first = add(run, "phone")["password"]
    deliver(store, alice, [ONE])
    collect(store, alice, "phone")
    deliver(store, alice, [TWO])
    run("device", "remove", alice, "phone", "--yes")
    second = add(run, "phone")["password"]
    assert first != second
    assert opens(store, "alice+phone", first) is None
    assert opens(store, "alice+phone", second) == Identity("alice", "phone")
    assert listed(run)["phone"]["messages"] == 1


# -- accounts ------------------------------------------------------------------------------


def test_user_remove_takes_the_devices_along_and_none_comes_back(
    run: Run, store: Path, alice: str
) -> None:
    password = add(run, "phone")["password"]
    deliver(store, alice, [ONE])
    run("user", "remove", alice, "--yes")
    run("user", "add", alice, "--password-stdin", input="new\n")
    assert list(listed(run)) == [DEFAULT_VIEW]
    assert opens(store, "alice", password) is None


def test_app_passwords_of_an_earlier_user_never_open_a_new_account(
    run: Run, store: Path, alice: str
) -> None:
    """Of one whom another source of accounts had, and has no more."""
    accounts = Accounts(store / "accounts.db")
    accounts.add_device("bob", "phone")
    accounts.close()
    with_store(store, lambda engine: engine.add_view("bob", "phone"))
    shown = run("user", "add", "bob", "--password-stdin", input="new\n").stdout
    assert "1 app password of an earlier bob removed" in shown
    assert list(listed(run, "bob")) == [DEFAULT_VIEW]


def test_views_that_hold_mail_for_an_account_that_was_lost_are_told_of(
    run: Run, store: Path, alice: str
) -> None:
    add(run, "phone")
    deliver(store, alice, [ONE])
    accounts = Accounts(store / "accounts.db")
    accounts.remove(alice)
    accounts.close()
    shown = run("user", "add", alice, "--password-stdin", "--keep-mail", input="new\n").stdout
    assert "devices of before (phone) have no app password" in shown
    assert listed(run)["phone"]["messages"] == 1


def test_imported_mail_comes_to_every_device(run: Run, alice: str, tmp_path: Path) -> None:
    for device in ("phone", "laptop"):
        add(run, device)
    for part in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    (tmp_path / "Maildir" / "new" / "1.M1P1.host").write_bytes(ONE)
    run("import", str(tmp_path / "Maildir"), alice)
    assert {name: device["messages"] for name, device in listed(run).items()} == {
        DEFAULT_VIEW: 1,
        "phone": 1,
        "laptop": 1,
    }
