"""Certificates by name on a real server: all doors, and over a reload."""

from __future__ import annotations

import signal
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from tests.postoffice import PATIENCE, PostOffice, authority

OTHER = "mail.other.example"


def add(office: PostOffice, name: str) -> None:
    """Have the server show another certificate to who asks for *name*."""
    pem = office.folder / f"{name}.pem"
    authority().issue_cert(name).private_key_and_cert_chain_pem.write_to_path(pem)
    with office.config.open("a") as config:
        config.write(f'[[tls.sni]]\nnames = ["{name}"]\ncertificate = "{pem.name}"\n')


def shown(office: PostOffice, door: str, name: str) -> str:
    """The name in the certificate that a client gets who asks for *name*."""
    context = office.context()
    context.check_hostname = False
    with socket.create_connection(office.addresses[door], PATIENCE) as plain:
        if door == "pop3":
            plain.recv(512)
            plain.sendall(b"STLS\r\n")
            plain.recv(512)
        elif door == "smtp":
            client = smtplib.SMTP()
            client.sock = plain
            client.getreply()
            client.ehlo("client.test")
            client.docmd("STARTTLS")
            assert client.file is not None
            client.file.close()
        with context.wrap_socket(plain, server_hostname=name) as secured:
            certificate = secured.getpeercert()
    assert certificate is not None
    return str(certificate["subjectAltName"][-1][1])


def test_every_door_shows_the_certificate_that_was_asked_for(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    add(office, OTHER)
    with office:
        for door in ("pop3s", "pop3", "smtp"):
            assert shown(office, door, OTHER) == OTHER
            assert shown(office, door, "unknown.example") == "localhost"


def test_a_reload_brings_another_name(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        assert shown(office, "pop3s", OTHER) == "localhost"
        add(office, OTHER)
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        assert shown(office, "pop3s", OTHER) == OTHER


def test_a_reload_with_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        add(office, OTHER)
        (tmp_path / f"{OTHER}.pem").write_text("rubbish")
        office.signal(signal.SIGHUP)
        line = office.log.wait_for("reload refused; the old configuration goes on")
        assert "tls.sni" in line["fault"]
        assert f"{OTHER}.pem" in line["fault"]


def test_strict(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, settings={"tls": {"strict_sni": True}})
    add(office, OTHER)
    with office:
        assert shown(office, "pop3s", OTHER) == OTHER
        assert shown(office, "pop3s", "localhost") == "localhost"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shown(office, "pop3s", "unknown.example")


def hello(name: str) -> bytes:
    """A TLS hello that asks for *name*."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_name_that_is_none_is_one_line_in_the_log(tmp_path: Path) -> None:
    """Python calls no callback for it, but its hook for errors that nobody can catch, whose
    traceback would stand in the middle of the log.
    """
    office = PostOffice(tmp_path)
    add(office, OTHER)
    with office:
        strange = hello("eve.example").replace(b"eve.example", b"\xff\xfe\xff.example")
        with socket.create_connection(office.addresses["pop3s"], PATIENCE) as client:
            client.sendall(strange)
            assert client.recv(512).startswith(b"\x15\x03"), "an alert"
            assert client.recv(512) == b""
        line = office.log.wait_for("TLS failed")
        assert "server name" in line["error"]
        ignored = office.log.only("error ignored")
        assert "UnicodeDecodeError" in ignored["error"]
        assert shown(office, "pop3s", OTHER) == OTHER
        assert office.stop() == 0
    assert not [line for line in office.log.lines if line["level"] == "raw"]
