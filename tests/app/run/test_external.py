"""A client's certificate signs it in (SASL EXTERNAL), on a real server."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import trustme

from tests.postoffice import PATIENCE, PostOffice, Settings


@pytest.mark.parametrize("asked", ["optional", "required"])
def test_a_certificate_signs_in_and_only_as_whom_it_names(tmp_path: Path, asked: str) -> None:
    people = trustme.CA()
    people.cert_pem.write_to_path(tmp_path / "people.pem")
    settings: Settings = {
        "tls": {"client_certificates": asked, "client_ca": str(tmp_path / "people.pem")},
        "auth": {"mechanisms": ["EXTERNAL", "PLAIN"]},
    }
    with PostOffice(tmp_path, users=["alice", "bob"], settings=settings) as office:
        context = office.context()
        people.issue_cert("alice@example.org", common_name="alice").configure_cert(context)
        said = {}
        for name, response in {"herself": "=", "alice": "YWxpY2U=", "bob": "Ym9i"}.items():
            with (
                socket.create_connection(office.addresses["pop3s"], PATIENCE) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as client,
            ):
                client.recv(512)
                client.sendall(f"AUTH EXTERNAL {response}\r\n".encode())
                said[name] = client.recv(512)[:11]
        assert said["herself"].startswith(b"+OK")
        assert said["alice"].startswith(b"+OK")
        assert said["bob"].startswith(b"-ERR [AUTH]")
