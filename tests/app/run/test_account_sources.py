"""A real server whose users are kept elsewhere."""

from __future__ import annotations

import poplib
import signal
import time
from pathlib import Path

import pytest

from tests.app.run.processes import get
from tests.auth.sources.slapd import PEOPLE, SERVICE, SERVICE_PASSWORD, entry, skip_without, slapd
from tests.postoffice import DOMAIN, PASSWORD, PostOffice, Settings

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"


def answer_to(office: PostOffice, user: str) -> int:
    """What a sender hears to RCPT."""
    with office.lmtp() as client:
        client.mail("sender@example.net")
        return client.rcpt(f"{user}@{DOMAIN}")[0]


def test_users_of_a_passwd_file_get_mail_and_collect_it(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"alice@{DOMAIN}:{{PLAIN}}{PASSWORD}\nbob:{{PLAIN}}not this one\n")
    settings: Settings = {
        "server": {"workers": 1},  # each puts mail off once, when it sees that the file has changed
        "auth": {"sources": ["passwd-file"]},
        "auth.passwd_file": {"path": str(users)},
    }
    with PostOffice(tmp_path, settings=settings) as office:
        assert answer_to(office, "nobody-here") == 550
        office.deliver(MESSAGE, "alice", "bob")
        assert len(office.collect("alice")) == 1
        with pytest.raises(poplib.error_proto, match="AUTH"), office.session("bob"):
            pass
        assert office.log.find("there is no account: all mail is put off (451)") == []
        # The file changes; nobody tells the server.
        users.write_text(f"alice:{{PLAIN}}{PASSWORD}\ncarol:{{PLAIN}}{PASSWORD}\n")
        while answer_to(office, "carol") != 250:
            time.sleep(0.1)  # a look at the file each second
        office.deliver(MESSAGE, "carol")
        assert len(office.collect("carol")) == 1
        assert get(office.addresses["http"], "/ready")[0] == 200
        assert PASSWORD not in office.log.text(last=10_000)


def test_a_directory_that_is_away_turns_nobody_away(tmp_path: Path) -> None:
    skip_without()
    with slapd(entry("alice", PASSWORD, "mailQuota: 1M"), entry("bob", "other")) as directory:
        secret = tmp_path / "secret"
        secret.write_text(SERVICE_PASSWORD + "\n")
        settings: Settings = {
            "auth": {"sources": ["ldap"]},
            "auth.ldap": {
                "urls": [directory.secure_url],
                "ca": str(directory.authority),
                "bind_dn": SERVICE,
                "password_file": str(secret),
                "base": PEOPLE,
                "quota_attribute": "mailQuota",
            },
        }
        with PostOffice(tmp_path, users=["dave"], settings=settings) as office:
            office.deliver(MESSAGE, "alice", "dave")
            assert len(office.collect("alice")) == 1
            assert len(office.collect("dave")) == 1
            with pytest.raises(poplib.error_proto, match="AUTH"), office.session("bob"):
                pass
            directory.stop()
            assert answer_to(office, "erin") == 451
            with pytest.raises(poplib.error_proto, match="SYS/TEMP"), office.session("frank"):
                pass
            assert answer_to(office, "dave") == 250  # of the accounts file
            directory.start()
            assert answer_to(office, "erin") == 550
        log = office.log.text(last=10_000)
    assert PASSWORD not in log
    assert SERVICE_PASSWORD not in log


def test_a_source_that_cannot_be_made_keeps_the_old_server_going(tmp_path: Path) -> None:
    """A reload with a password's file that is not there is refused as a whole."""
    users = tmp_path / "users"
    users.write_text(f"alice:{{PLAIN}}{PASSWORD}\n")
    settings: Settings = {
        "auth": {"sources": ["passwd-file"]},
        "auth.passwd_file": {"path": str(users)},
    }
    with PostOffice(tmp_path, settings=settings) as office:
        before = office.config.read_text()
        office.config.write_text(
            before.replace('"passwd-file"]', '"passwd-file", "sql"]')
            + '[auth.sql]\nurl = "postgresql://u@localhost/mail"\n'
            + 'query = "SELECT password FROM users WHERE name = :user"\n'
            + f'password_file = "{tmp_path}/nowhere"\n'
        )
        office.signal(signal.SIGHUP)
        office.log.wait_for("reload failed; the old configuration goes on")
        office.deliver(MESSAGE, "alice")
        assert len(office.collect("alice")) == 1
