"""``pillarbox fetch URL``: mail comes, and every option does what it says."""

from __future__ import annotations

import hashlib
import mailbox
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.app.fetch.conftest import Box, letter
from tests.postoffice import DOMAIN, PASSWORD

Make = Callable[[], Box]


def test_mail_is_stored_as_it_was_and_then_deleted_on_the_server(box: Box) -> None:
    box.deliver("one", "two")
    done = box.run("fetch", box.url, *box.usual, fresh=True)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].startswith(f"{box.name}: 2 messages collected (")
    assert done.out.splitlines()[-1].endswith("octets), 2 deleted on the server")
    assert box.stored == ["one", "two"]
    assert box.on_server == []
    contents = [path.read_bytes() for path in box.mail.glob("new/*")]
    for name in ("one", "two"):
        ours = letter(name).replace(b"\r\n", b"\n")
        assert sum(content.endswith(ours) for content in contents) == 1


def test_nothing_new_is_not_worth_a_line_in_a_log(box: Box) -> None:
    assert box.fetch() == (0, "", "")


def test_what_is_kept_does_not_come_twice(box: Box) -> None:
    box.deliver("one")
    assert box.fetch("--keep").code == 0
    box.deliver("two")
    done = box.fetch("--keep")
    assert "1 message collected" in done.out
    assert box.stored == box.on_server == ["one", "two"]


def test_keep_days_keeps_what_was_collected_just_now(box: Box) -> None:
    box.deliver("one")
    assert box.fetch("--keep-days", "1").code == 0
    assert box.stored == box.on_server == ["one"]


def test_keep_days_of_none_keeps_nothing(box: Box) -> None:
    box.deliver("one")
    assert box.fetch("--keep-days=0").code == 0
    assert box.on_server == []


def test_delete_is_what_happens_anyway_and_stands_against_keep_in_the_configuration(
    box: Box,
) -> None:
    box.deliver("one")
    box.configure(f'[defaults]\nto = "maildir:Mail"\nkeep = true\n[accounts.a]\n{box.account}')
    assert box.run("fetch").code == 0
    assert box.on_server == ["one"]
    box.deliver("two")
    assert box.run("fetch", "--delete", "--yes").code == 0
    assert box.on_server == []


def test_from_keep_to_delete_nothing_goes_without_a_yes(box: Box) -> None:
    box.deliver("old")
    assert box.fetch("--keep").code == 0
    box.deliver("new")
    done = box.fetch()
    assert done.code == 1
    assert "1 message that was collected earlier would go" in done.err
    assert "say --yes" in done.err
    assert box.stored == ["new", "old"]
    assert box.on_server == ["old"]
    done = box.fetch("--yes")
    assert (done.code, done.err) == (0, "")
    assert box.on_server == []


def test_large_messages_can_be_left(box: Box) -> None:
    box.deliver("small")
    box.office.deliver(letter("large") + b"x" * 998 + b"\r\n" * 2, box.user)
    assert box.fetch("--max-size", "1K").code == 0
    assert box.stored == ["small"]
    assert box.on_server == ["large"]
    assert box.fetch("--max-size=1M").code == 0
    assert box.stored == ["large", "small"]


def test_the_password_can_come_from_standard_input(box: Box) -> None:
    box.deliver("one")
    options = [f"--to=maildir:{box.mail}", f"--ca={box.office.authority}", "--password-stdin"]
    assert box.run("fetch", box.url, *options, text=f"{PASSWORD}\n").code == 0
    assert box.stored == ["one"]


def test_stls(box: Box) -> None:
    box.deliver("one")
    assert box.run("fetch", box.stls_url, *box.usual).code == 0
    assert box.stored == ["one"]


def test_without_tls_only_on_demand_and_with_a_warning_each_time(box: Box) -> None:
    box.deliver("one")
    place = f"localhost:{box.office.addresses['pop3'].port}"
    options = [*box.usual, "--insecure-cleartext"]
    for _ in range(2):
        done = box.run("fetch", box.stls_url, *options)
        assert done.code == 0
        assert done.err == (
            f"pillarbox: warning: {box.name}: without TLS, everybody on the way to {place} can "
            "read the password and all mail\n"
        )
    assert box.stored == ["one"]


def test_the_certificate_can_be_pinned_instead_of_an_authority(box: Box) -> None:
    box.deliver("one")
    pem = (box.office.folder / "server.pem").read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    first = pem[pem.index(begin) : pem.index(end) + len(end)]
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
    without_ca = box.without("--ca")
    assert box.run("fetch", box.url, *without_ca, "--fingerprint", pin).code == 0
    assert box.stored == ["one"]
    wrong = box.run("fetch", box.url, *without_ca, "--fingerprint", "00" * 32)
    assert wrong.code == 4
    assert "not the pinned one" in wrong.err


def test_a_client_certificate_is_shown(box: Box, tmp_path: Path) -> None:
    """Our server asks for none; that the file is used shows when it is no pair."""
    box.deliver("one")
    ours = trustme.CA().issue_cert("client")
    pair = tmp_path / "pair.pem"
    ours.private_key_and_cert_chain_pem.write_to_path(pair)
    assert box.fetch("--client-cert", str(pair)).code == 0
    assert box.stored == ["one"]
    only = tmp_path / "only.pem"
    ours.cert_chain_pems[0].write_to_path(only)
    done = box.fetch(f"--client-cert={only}")
    assert done.code == 2
    assert "does not hold a certificate and its key" in done.err


@pytest.mark.parametrize("mechanism", ["PLAIN", "login", "USER"])
def test_the_way_to_sign_in_can_be_chosen(box: Box, mechanism: str) -> None:
    done = box.fetch("--auth", mechanism, "--json")
    assert done.code == 0
    assert done.events[0]["mechanism"] == mechanism.upper()


def test_a_silent_server_is_given_up_after_the_timeout(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"pop3://a@127.0.0.1:{silent.getsockname()[1]}"
        done = box.run("fetch", url, *box.usual, "--insecure-cleartext", "--timeout", "1")
    assert done.code == 1
    assert "1 second" in done.err.splitlines()[-1]


def test_a_proxy_is_gone_through(box: Box) -> None:
    heard: list[bytes] = []

    def refuse() -> None:
        connection, _ = server.accept()
        with connection:
            heard.append(connection.recv(4096))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse)
        thread.start()
        port = server.getsockname()[1]
        done = box.fetch("--proxy", f"http://127.0.0.1:{port}")
        thread.join()
    assert done.code == 1
    assert f"through the proxy 127.0.0.1:{port}" in done.err
    assert heard[0].startswith(b"CONNECT localhost:")


def test_the_state_lies_in_the_platforms_folder_or_where_it_is_said(box: Box) -> None:
    box.deliver("one")
    assert box.fetch("--keep").code == 0
    (usual,) = (box.home / ".local/state/pillarbox/fetch").glob("*.db")
    assert usual.name.startswith(f"{box.user}@localhost")
    other = box.home / "other"
    assert "1 message" in box.fetch("--keep", "--state", str(other)).out  # it knows nothing
    assert [path.name for path in other.glob("*.db")] == [usual.name]


def test_an_mbox(box: Box) -> None:
    box.deliver("one", "two")
    assert box.fetch(f"--to=mbox:{box.home}/inbox").code == 0
    found = mailbox.mbox(box.home / "inbox")
    assert [message["subject"] for message in found] == ["one", "two"]
    found.close()


def test_an_mh_folder(box: Box) -> None:
    box.deliver("one", "two")
    assert box.fetch("--to=mh:~/Mh").code == 0
    for number, name in ((1, b"one"), (2, b"two")):
        assert b"Subject: " + name in (box.home / f"Mh/{number}").read_bytes()


def test_a_command_gets_each_message(box: Box) -> None:
    box.deliver("one", "two")
    assert box.fetch("--to", f"command:sh -c 'grep Subject: >> {box.home}/log'").code == 0
    assert (box.home / "log").read_text() == "Subject: one\nSubject: two\n"


def test_lmtp_delivers_to_the_recipient(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.deliver("one")
    port = box.office.addresses["lmtp"].port
    done = box.fetch(f"--to=lmtp:127.0.0.1:{port}", "--recipient", f"{other.user}@{DOMAIN}")
    assert (done.code, done.err) == (0, "")
    assert other.on_server == ["one"]
    assert box.on_server == []


def test_a_terminal_that_knows_ascii_only_is_no_reason_to_stop(box: Box) -> None:
    box.configure(f'[defaults]\nto = "maildir:Mäil"\n[accounts.a]\n{box.account}')
    box.deliver("one")
    closed = box.home / "Mäil"
    closed.write_text("a file")
    done = box.run("fetch", env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 1
    assert "M\\xe4il: mail cannot be stored" in done.err
    closed.unlink()
    assert box.run("fetch", env={"PYTHONIOENCODING": "ascii"}).code == 0


def test_the_options_that_the_help_lists_are_all_there(box: Box) -> None:
    """By Typer, too, which reads the command line when something is wrong with it."""
    done = box.fetch("--nonsense")
    assert done.code == 2
    assert "No such option: --nonsense" in done.err
