"""Accounts that are not there: mail waits at its sender's, and the operator is told."""

from __future__ import annotations

import poplib
from pathlib import Path

import pytest

from tests.app.run.processes import get
from tests.postoffice import DOMAIN, PostOffice

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"


def _answer_to(office: PostOffice, user: str) -> tuple[int, bytes]:
    """What a sender hears to RCPT."""
    with office.lmtp() as client:
        client.mail("sender@example.net")
        return client.rcpt(f"{user}@{DOMAIN}")


def test_a_store_path_without_accounts_bounces_no_mail(tmp_path: Path) -> None:
    """Mistyped, or its disk is not mounted: senders are to try again, not to give up."""
    with PostOffice(tmp_path) as office:
        code, text = _answer_to(office, "alice")
        assert (code, text[:5]) == (451, b"4.3.0")
        with pytest.raises(poplib.error_proto, match=r"SYS/TEMP"), office.session("alice"):
            pass
        warning = office.log.only("there is no account: all mail is put off (451)")
        assert warning["level"] == "warning"
        assert str(office.store / "accounts.db") in warning["why"]
        assert "pillarbox user add NAME" in warning["why"]
        assert get(office.addresses["http"], "/ready")[0] == 200
        assert not (office.store / "accounts.db").exists()


def test_the_first_account_ends_the_putting_off(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        assert _answer_to(office, "alice")[0] == 451
        office.add_users(["alice"])
        office.deliver(MESSAGE, "alice")
        assert len(office.collect("alice")) == 1
        assert _answer_to(office, "bob")[0] == 550


def test_with_accounts_nothing_is_warned_about(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        office.deliver(MESSAGE, "alice")
        office.stop()
        office.start()
        assert [x for x in office.log.lines if x.get("logger") == "pillarbox.accounts"] == []


def _lose_accounts(office: PostOffice) -> None:
    for file in office.store.glob("accounts.db*"):
        file.unlink()


def test_a_store_with_mail_but_without_its_accounts_does_not_serve(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=["alice"])
    with office:
        office.deliver(MESSAGE, "alice")
        office.stop()
    _lose_accounts(office)
    done = office.run("serve")
    assert done.returncode != 0
    assert str(office.store / "accounts.db") in done.stderr
    assert "alice" in done.stderr
    assert "restore" in done.stderr
    assert not (office.store / "accounts.db").exists()


def test_commands_that_only_look_do_not_hide_that_the_accounts_are_lost(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=["alice"])
    with office:
        office.deliver(MESSAGE, "alice")
        office.stop()
    _lose_accounts(office)
    assert office.run("maildrop", "check").returncode == 0
    assert "1 message" in office.run("maildrop", "show", "alice").stdout
    listed = office.run("user", "list")
    assert listed.returncode != 0
    assert "accounts.db does not exist" in listed.stderr
    assert not (office.store / "accounts.db").exists()


def test_mail_of_somebody_without_an_account_is_told_of(tmp_path: Path) -> None:
    """After one of the lost accounts was made again, the others are still to be made."""
    office = PostOffice(tmp_path, users=["alice", "bob"])
    with office:
        office.deliver(MESSAGE, "alice", "bob")
        office.stop()
    _lose_accounts(office)
    office.add_users(["alice"])
    with office:
        warning = office.log.only("maildrops without an account: their mail is refused (550)")
        assert warning["users"] == "bob"
        assert len(office.collect("alice")) == 1


def test_an_empty_accounts_file_is_told_of_too(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=["alice"])
    assert office.run("user", "remove", "alice", "--yes").returncode == 0
    with office:
        assert _answer_to(office, "alice")[0] == 451
        with pytest.raises(poplib.error_proto, match=r"SYS/TEMP"), office.session("alice"):
            pass
        warning = office.log.only("there is no account: all mail is put off (451)")
        assert "has no account" in warning["why"]
