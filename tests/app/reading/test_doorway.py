"""Where the page may be."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from pillarbox.app.config.addresses import TcpAddress
from pillarbox.app.config.faults import ConfigError
from pillarbox.app.config.reader import Reader
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.reading.doorway import Doorway, check, is_loopback, needs_password, open_door
from pillarbox.app.reading.page_folder import PageFolder


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "all.pem"
    issued = trustme.CA().issue_cert("Mail.example.org", "*.example.net", "192.0.2.1")
    issued.private_key_and_cert_chain_pem.write_to_path(path)
    return path


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[Doorway]:
    doorway = open_door(Reader(**settings), PageFolder(folder), None)
    try:
        yield doorway
    finally:
        for each in doorway.sockets:
            each.close()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example.org", False),
        ("mail.example.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert needs_password(Reader(listen=TcpAddress(host, 1))) is not loopback


def test_beyond_loopback_without_tls_is_refused() -> None:
    with pytest.raises(CommandFailed, match="without TLS") as refused:
        check(Reader(listen=TcpAddress("0.0.0.0", 8443)))
    assert refused.value.code is ExitCode.INSECURE


def test_a_certificate_has_to_work(tmp_path: Path, certificate: Path) -> None:
    check(Reader(certificate=certificate, listen=TcpAddress("0.0.0.0", 8443)))
    (tmp_path / "bad.pem").write_text("no certificate")
    for bad in (tmp_path / "bad.pem", tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match="cannot be used"):
            check(Reader(certificate=bad))
    with pytest.raises(CommandFailed, match="--certificate"):
        check(Reader(key=certificate))


def test_on_loopback_it_goes_by_the_names_of_loopback(tmp_path: Path) -> None:
    with opened(tmp_path) as doorway:
        port = doorway.sockets[0].getsockname()[1]
        assert doorway.address == f"http://127.0.0.1:{port}"
        assert doorway.door.names == {"127.0.0.1", "localhost"}
        assert doorway.entrance().startswith(f"{doorway.address}/enter?token=")


def test_the_port_is_the_same_the_next_time_if_it_is_free(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        port = first.door.port
        with opened(tmp_path) as second:
            assert second.door.port not in {port, 0}
            later = second.door.port
    with opened(tmp_path) as third:
        assert third.door.port == later


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        taken = Reader(listen=TcpAddress("127.0.0.1", first.door.port))
        with pytest.raises(CommandFailed, match=r"cannot be at .*--port"):
            open_door(taken, PageFolder(tmp_path), None)


def test_beyond_loopback_it_goes_by_the_names_in_the_certificate(
    tmp_path: Path, certificate: Path
) -> None:
    with opened(
        tmp_path,
        listen=TcpAddress("0.0.0.0", 0),
        certificate=certificate,
        names=("Box.example.com",),
    ) as doorway:
        assert doorway.door.names == {
            "box.example.com",
            "mail.example.org",
            "*.example.net",
            "192.0.2.1",
        }
        assert doorway.address == f"https://box.example.com:{doorway.door.port}"


def test_without_any_name_nobody_could_open_it(tmp_path: Path) -> None:
    path = tmp_path / "star.pem"
    trustme.CA().issue_cert("*.example.net").private_key_and_cert_chain_pem.write_to_path(path)
    with (
        pytest.raises(CommandFailed, match=r"reader\.names"),
        opened(tmp_path, listen=TcpAddress("0.0.0.0", 0), certificate=path),
    ):
        pass


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
def test_ipv6_stands_in_brackets(tmp_path: Path) -> None:
    with opened(tmp_path, listen=TcpAddress("::1", 0)) as doorway:
        assert doorway.address == f"http://[::1]:{doorway.door.port}"
        assert doorway.door.is_called(f"[::1]:{doorway.door.port}")
