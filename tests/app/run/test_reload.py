"""SIGHUP: a new generation takes over, or nothing changes; nobody is sent away."""

from __future__ import annotations

import poplib
import re
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tests.app.run.processes import accepts, certificate, eventually, watching
from tests.postoffice import HOST, PASSWORD, PostOffice, authority, send

TWO = [f"{HOST}:0", "unix:lmtp.sock"]
MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"


def renew(office: PostOffice) -> bytes:
    """Put another certificate in place; returns it (DER)."""
    fresh = authority().issue_cert(HOST, "localhost")
    fresh.private_key_and_cert_chain_pem.write_to_path(office.folder / "server.pem")
    return ssl.PEM_cert_to_DER_cert(fresh.cert_chain_pems[0].bytes().decode())


def change(office: PostOffice, pattern: str, replacement: str) -> None:
    """Edit the configuration."""
    text, count = re.subn(pattern, replacement, office.config.read_text(), flags=re.MULTILINE)
    assert count == 1
    office.config.write_text(text)


def shown(office: PostOffice) -> bytes | None:
    return certificate(office.addresses["pop3s"], office.context())


def test_a_new_certificate_is_served_and_the_old_session_goes_on(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        office.deliver(MESSAGE, "alice")
        before = shown(office)
        with watching(office.workers()) as gone:
            with office.session("alice") as client:
                fresh = renew(office)
                office.signal(signal.SIGHUP)
                ready = office.log.wait_for("ready", count=2)
                assert before != fresh
                assert shown(office) == fresh
                # The session of before: still there, still signed in, and its QUIT holds.
                client.dele(1)
            gone()
        assert ready["pop3s"] == office.log.find("ready")[0]["pop3s"]
        assert office.collect("alice") == []
        assert office.stop() == 0


def test_who_is_about_to_sign_in_goes_on_at_a_reload_but_not_at_a_stop(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice", "bob"]) as office:
        office.deliver(MESSAGE, "alice", "bob")
        greeted, named = office.connect("pop3s"), office.connect("pop3")
        named.user("bob")
        with watching(office.workers()) as gone:
            office.signal(signal.SIGHUP)
            office.log.wait_for("ready", count=2)
            for client, user in (greeted, "alice"), (named, "bob"):
                if client is greeted:
                    client.user(user)
                client.pass_(PASSWORD)
                client.dele(1)
                client.quit()
            gone()
        assert office.collect("alice") == office.collect("bob") == []
        waiting = office.connect("pop3")
        office.signal(signal.SIGTERM)
        assert office.wait() == 0
        with pytest.raises((poplib.error_proto, OSError)):
            waiting.noop()
        waiting.close()


def test_mail_servers_with_an_open_connection_do_not_notice_a_reload(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office, watching(office.workers()) as gone:
        with office.lmtp() as lmtp, office.smtp() as smtp:
            send(lmtp, MESSAGE, ["alice"])
            office.signal(signal.SIGHUP)
            office.log.wait_for("ready", count=2)
            for client in (lmtp, smtp, lmtp):
                assert [code for code, _ in send(client, MESSAGE, ["alice"])] == [250]
        gone()
        assert len(office.collect("alice")) == 4


def test_a_broken_certificate_changes_nothing_and_is_named(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        before, workers = shown(office), office.workers()
        (tmp_path / "server.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
        office.signal(signal.SIGHUP)
        line = office.log.wait_for("reload refused; the old configuration goes on")
        assert str(tmp_path / "server.pem") in line["fault"]
        assert shown(office) == before
        assert office.workers() == workers
        # And once it is mended, a reload works.
        fresh = renew(office)
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        assert shown(office) == fresh


def test_a_fault_in_the_configuration_changes_nothing_and_is_named(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        workers = office.workers()
        change(office, r"^workers = 2", "wrokers = 3")
        office.signal(signal.SIGHUP)
        line = office.log.wait_for("reload refused; the old configuration goes on")
        assert str(office.config) in line["fault"]
        assert "wrokers" in line["fault"]
        assert office.workers() == workers


def test_an_address_that_cannot_be_had_changes_nothing(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office, socket.create_server((HOST, 0)) as other:
        change(office, r"^smtp = .*", f'smtp = ["{HOST}:{other.getsockname()[1]}"]')
        office.signal(signal.SIGHUP)
        line = office.log.wait_for("reload refused; the old configuration goes on")
        assert "listen.smtp" in line["fault"]
        assert accepts(office.addresses["smtp"])


def test_a_generation_that_cannot_start_is_abandoned(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        workers = office.workers()
        description = office.store / "store.json"
        whole = description.read_bytes()
        description.write_text("{")
        office.signal(signal.SIGHUP)
        office.log.wait_for("reload failed; the old configuration goes on")
        eventually(lambda: office.workers() == workers, "the new generation is gone")
        description.write_bytes(whole)
        assert office.collect("alice") == []
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        assert office.stop() == 0


def test_no_connection_is_refused_meanwhile(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        reloads, tried = 3, 0
        for done in range(reloads):
            office.signal(signal.SIGHUP)
            while len(office.log.find("ready")) < done + 2:
                with socket.create_connection(office.addresses["pop3"]) as client:
                    assert client.recv(3) == b"+OK"
                tried += 1
        assert tried >= reloads


def test_doors_are_opened_and_closed(tmp_path: Path) -> None:
    with PostOffice(tmp_path, settings={"listen": {"lmtp": TWO}}) as office:
        old = office.addresses["smtp"]
        change(office, r"^smtp = .*", "smtp = []")
        change(office, r"^lmtp = .*", f'lmtp = ["{HOST}:0", "unix:lmtp.sock", "unix:second.sock"]')
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        eventually(lambda: not accepts(old), "the old door is closed")
        for name in ("lmtp.sock", "second.sock"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(tmp_path / name))
                assert client.recv(4) == b"220 "
        change(office, r"^lmtp = .*", f'lmtp = ["{HOST}:0", "unix:lmtp.sock"]')
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=3)
        assert not (tmp_path / "second.sock").exists()


def test_the_number_of_workers_can_change(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        for reload, number in enumerate((4, 1), 2):
            change(office, r"^workers = .*", f"workers = {number}")
            office.signal(signal.SIGHUP)
            office.log.wait_for("ready", count=reload)
            wanted = number + 1  # and the health page's
            eventually(lambda wanted=wanted: len(office.workers()) == wanted, "all are there")  # type: ignore[misc]
            assert all(accepts(office.addresses["pop3"]) for _ in range(8))
