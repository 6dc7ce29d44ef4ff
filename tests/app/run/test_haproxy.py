"""Behind a real HAProxy: the client is who came to it, and not HAProxy."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.app.run.haproxy import haproxy, needs_haproxy
from tests.app.run.processes import eventually
from tests.postoffice import HOST, PASSWORD, PATIENCE, PostOffice, Settings

pytestmark = needs_haproxy

CLIENT = "127.0.0.77"
BEHIND: Settings = {"listen": {"proxy_from": [HOST]}}
NEVER: Settings = {
    "listen": {"proxy_from": [HOST], "proxy_tls": True},
    "auth": {"cleartext": "never"},
}
SESSION = f"USER alice\r\nPASS {PASSWORD}\r\nSTAT\r\nQUIT\r\n".encode()


def call(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, PATIENCE, source_address=(CLIENT, 0))


def all_of(client: socket.socket) -> bytes:
    said = b""
    while piece := client.recv(65536):
        said += piece
    return said


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2"])
def test_pop3s(tmp_path: Path, how: str) -> None:
    """The header in clear, then TLS from client to server: HAProxy only passes it on."""
    with (
        PostOffice(tmp_path, users=["alice"], settings=BEHIND) as office,
        haproxy(tmp_path, office.addresses["pop3s"], how) as address,
    ):
        for _ in range(8):  # on either worker
            with (
                call(address) as plain,
                office.context().wrap_socket(plain, server_hostname="localhost") as client,
            ):
                client.sendall(SESSION)
                assert all_of(client).count(b"+OK") == 5
        office.log.wait_for("session ended", count=8)
        ended = office.log.find("session ended")
        assert {line["peer"] for line in ended} == {CLIENT}
        assert {line["tls"] for line in ended} == {"TLSv1.3"}


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2"])
def test_pop3_and_stls(tmp_path: Path, how: str) -> None:
    with (
        PostOffice(tmp_path, users=["alice"], settings=BEHIND) as office,
        haproxy(tmp_path, office.addresses["pop3"], how) as address,
    ):
        with call(address) as plain:
            assert plain.recv(512).startswith(b"+OK")
            plain.sendall(b"STLS\r\n")
            assert plain.recv(512).startswith(b"+OK")
            with office.context().wrap_socket(plain, server_hostname="localhost") as client:
                client.sendall(SESSION)
                assert all_of(client).count(b"+OK") == 4
        assert office.log.wait_for("session ended")["peer"] == CLIENT


def test_a_refused_sign_in_is_logged_with_the_clients_address(tmp_path: Path) -> None:
    with (
        PostOffice(tmp_path, users=["alice"], settings=BEHIND) as office,
        haproxy(tmp_path, office.addresses["pop3"], "send-proxy-v2") as address,
    ):
        with call(address) as client:
            client.sendall(b"USER alice\r\nPASS wrong\r\nQUIT\r\n")
            assert b"-ERR [AUTH]" in all_of(client)
        assert office.log.wait_for("sign-in failed")["peer"] == CLIENT


def test_tls_that_ends_at_haproxy(tmp_path: Path) -> None:
    """``send-proxy-v2-ssl`` says that there was TLS; passwords are taken as if it were ours."""
    with PostOffice(tmp_path, users=["alice"], settings=NEVER) as office:
        pop3, options = office.addresses["pop3"], f"ssl crt {tmp_path}/server.pem"
        with (
            haproxy(tmp_path, pop3, "send-proxy-v2-ssl", options) as address,
            call(address) as plain,
            office.context().wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(SESSION)
            assert all_of(client).count(b"+OK") == 5
        ended = office.log.wait_for("session ended")
        assert (ended["peer"], ended["tls"]) == (CLIENT, "proxy")


def test_no_tls_at_haproxy_either(tmp_path: Path) -> None:
    with (
        PostOffice(tmp_path, users=["alice"], settings=NEVER) as office,
        haproxy(tmp_path, office.addresses["pop3"], "send-proxy-v2-ssl") as address,
        call(address) as client,
    ):
        client.sendall(SESSION)
        assert b"-ERR no password without TLS" in all_of(client)


def test_health_checks_are_no_matter_for_the_log(tmp_path: Path) -> None:
    """``check`` connects and hangs up, ``check-send-proxy`` says LOCAL first."""
    with PostOffice(tmp_path, settings=BEHIND) as office:
        how = "send-proxy-v2 check inter 10ms"
        with haproxy(tmp_path, office.addresses["pop3"], how) as address:
            for _ in range(3):
                with call(address) as client:
                    assert client.recv(512).startswith(b"+OK")
            office.log.wait_for("session ended", count=3)
        assert office.log.find("connection refused") == []


def test_who_comes_past_haproxy_is_taken_for_what_it_is(tmp_path: Path) -> None:
    """From a trusted address without a header: turned away. From another: as ever."""
    with PostOffice(tmp_path, users=["alice"], settings=BEHIND) as office:
        with (
            socket.create_connection(office.addresses["pop3s"], PATIENCE) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            office.context().wrap_socket(plain, server_hostname="localhost")
        assert office.log.wait_for("connection refused")["peer"] == HOST
        with (
            call(office.addresses["pop3s"]) as plain,
            office.context().wrap_socket(plain, server_hostname="localhost") as client,
        ):
            client.sendall(SESSION)
            assert all_of(client).count(b"+OK") == 5
        eventually(lambda: len(office.log.find("session ended")) == 1, "the session is told of")
        assert office.log.find("session ended")[0]["peer"] == CLIENT
