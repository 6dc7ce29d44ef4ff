"""``limits.allow``, ``limits.deny`` and ``limits.unlimited`` on a real server, and at a reload."""

from __future__ import annotations

import contextlib
import signal
import smtplib
import socket
from pathlib import Path

import pytest

from tests.postoffice import HOST, PATIENCE, Address, PostOffice, Settings

OTHER = "127.0.0.99"


def first_words(address: Address, source: str = HOST) -> bytes:
    with socket.create_connection(address, PATIENCE, source_address=(source, 0)) as client:
        return client.recv(4)


@pytest.mark.parametrize("limits", [{"deny": [OTHER]}, {"allow": [HOST]}])
def test_who_is_admitted(tmp_path: Path, limits: dict[str, object]) -> None:
    with PostOffice(tmp_path, settings={"limits": limits}) as office:
        assert first_words(office.addresses["pop3"]) == b"+OK "
        assert first_words(office.addresses["pop3"], OTHER) == b"-ERR"
        assert first_words(office.addresses["pop3s"], OTHER) == b""
        assert office.log.wait_for("connection refused")["peer"] == OTHER
        # Mail comes from everywhere that is not denied.
        expected = b"554 " if "deny" in limits else b"220 "
        assert first_words(office.addresses["smtp"], OTHER) == expected
        with office.lmtp(), office.smtp():
            pass


def test_a_reload_denies(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        assert first_words(office.addresses["pop3"], OTHER) == b"+OK "
        with office.config.open("a") as config:
            config.write(f'[limits]\ndeny = ["{OTHER}"]\n')
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        assert first_words(office.addresses["pop3"], OTHER) == b"-ERR"
        with pytest.raises(smtplib.SMTPConnectError, match="not admitted"):
            smtplib.SMTP(*office.addresses["smtp"], source_address=(OTHER, 0), timeout=PATIENCE)


def test_where_the_limit_of_an_address_does_not_count(tmp_path: Path) -> None:
    settings: Settings = {"limits": {"connections_per_address": 1, "unlimited": [HOST]}}
    with PostOffice(tmp_path, settings=settings) as office, contextlib.ExitStack() as stack:
        for source, said in [(HOST, b"+OK "), (HOST, b"+OK "), (OTHER, b"+OK "), (OTHER, b"-ERR")]:
            client = stack.enter_context(
                socket.create_connection(office.addresses["pop3"], PATIENCE, (source, 0))
            )
            assert client.recv(4) == said
