"""Whatever is wrong: one clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.app.fetch.conftest import Box, Done, heed_permissions
from tests.ports import free_port
from tests.postoffice import HOST, PostOffice, authority


def assert_sentence(done: Done, code: int, *parts: str) -> None:
    """It ended so, and said one sentence in which all *parts* are."""
    assert (done.code, done.out) == (code, ""), done
    assert done.err.count("\n") == 1, done.err
    for part in parts:
        assert part in done.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("pop3s://mail.example.org", "names no user"),
        ("imap://alice@mail.example.org", "has another scheme than pop3s://"),
        ("pop3s://alice:secret@mail.example.org", "has a password in it"),
        ("pop3s://alice@mail.example.org:0", "has a port"),
        ("pop3s://alice@mail.example.org/INBOX", "goes on behind the host"),
        ("pop3s://alice@", "names no host"),
    ],
)
def test_a_url_that_is_none(box: Box, url: str, says: str) -> None:
    done = box.run("fetch", url, "--to=maildir:Mail")
    assert_sentence(done, 2, "pillarbox: the URL", says, "pop3s://alice@mail.example.org")
    assert "secret" not in done.err


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--to=Mail"], ['--to: destination "Mail"', "maildir:DIR"]),
        (["--to=lmtp:host"], ['--to: destination "lmtp:host"', "HOST:PORT"]),
        (["--keep", "--delete"], ["say --delete or --keep, not both"]),
        (["--keep", "--keep-days=1"], ["say --keep or --keep-days, not both"]),
        (["--keep-days=1", "--delete"], ["say --delete or --keep-days, not both"]),
        (["--keep-days=soon"], ['--keep-days: "soon" will not do', "from 0 to 36500"]),
        (["--keep-days=-1"], ["--keep-days: -1 will not do"]),
        (["--max-size=huge"], ['--max-size: "huge" will not do', '"10M"']),
        (["--max-size=0"], ["--max-size: ", "0", "will not do"]),
        (["--timeout=0"], ["--timeout: 0 will not do", "from 1 to 3600"]),
        (["--timeout=nan"], ["--timeout: ", "will not do"]),
        (["--fingerprint=1234"], ['--fingerprint: the fingerprint "1234"', "SHA-256 is needed"]),
        (["--fingerprint=" + "0" * 40], ["looks like SHA-1"]),
        (["--ca=nowhere.pem"], ["nowhere.pem: cannot be read: No such file"]),
        (["--client-cert=nowhere.pem"], ["nowhere.pem: cannot be read"]),
        (["--auth=NONSENSE"], ["NONSENSE", "--auth"]),
        (["--proxy=ftp://x:1"], ["--proxy: the URL of the proxy", "socks5"]),
        (["--proxy=socks5://x"], ["--proxy: ", "has no port"]),
        (["--password-command="], ["--password-command: is an empty command"]),
        (["--password-command=echo 'x"], ["--password-command: is no command"]),
        (["--password-command=/nowhere/pass"], ["/nowhere/pass", "cannot be run"]),
        (["--password-stdin"], ["say --password-stdin or --password-command, not both"]),
        (["--watch=1"], ['--watch: "1" will not do', "from 15 to"]),
        (["--watch=x"], ['--watch: "x" will not do']),
        (["--watch", "--dry-run"], ["say --dry-run or --watch, not both"]),
        (["--progress=maybe"], ['--progress: "maybe" will not do', "auto, always, never"]),
        (["--state="], ["--state: name a folder"]),
        (["--recipient="], ["--recipient: "]),
    ],
)
def test_an_option_that_will_not_do(box: Box, options: list[str], parts: list[str]) -> None:
    box.deliver("one")
    assert_sentence(box.fetch(*options), 2, "pillarbox: ", *parts)
    assert box.on_server == ["one"]


def test_a_url_needs_a_destination_and_stands_alone(box: Box) -> None:
    assert_sentence(box.run("fetch", box.url), 2, "say where the mail goes, like --to maildir:")
    done = box.run("fetch", box.url, box.url, "--to=maildir:Mail")
    assert_sentence(done, 2, "give one URL")


def test_a_secret_in_a_proxys_url_is_not_told(box: Box) -> None:
    done = box.fetch("--proxy=ftp://alice:secret@x:1")
    assert done.code == 2
    assert "secret" not in done.err


def test_a_wrong_password(box: Box) -> None:
    box.deliver("one")
    (box.home / "password").write_text("wrong\n")
    assert_sentence(box.fetch(), 3, f"{box.name}: the server refused the sign-in")
    assert "wrong" not in box.fetch().err


def test_no_password(box: Box) -> None:
    options = box.without("--password-command")
    done = box.run("fetch", box.url, *options)
    assert_sentence(done, 2, "there is no password", "--password-stdin", "--password-command")


def test_an_empty_password_on_standard_input(box: Box) -> None:
    options = box.without("--password-command")
    done = box.run("fetch", box.url, *options, "--password-stdin", text="\n")
    assert_sentence(done, 2, "standard input holds no password")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo geheim; exit 3", "ended with exit code 3"),
        ("echo geheim; kill -9 $$", "was killed by signal 9"),
        ("printf '\\n'; echo geheim", "printed no password in its first line"),
        ("true", "printed no password"),
        ("printf '\\377geheim'", "is not UTF-8"),
        ("head -c 70000 /dev/zero | tr '\\0' x", "too long"),
    ],
)
def test_a_password_command_that_gives_none(box: Box, script: str, says: str) -> None:
    (box.home / "script").write_text(script)
    done = box.fetch("--password-command=sh ./script")
    assert done.code == 1
    assert f"the password command of {box.name} (sh)" in done.err
    assert says in done.err
    assert "geheim" not in done.err


def test_a_server_that_is_away(box: Box) -> None:
    port = free_port()
    done = box.run("fetch", f"pop3s://a@{HOST}:{port}", *box.usual)
    assert_sentence(done, 1, f"{HOST}:{port}", "refused")


def test_a_host_that_does_not_exist(box: Box) -> None:
    done = box.run("fetch", "pop3s://a@nowhere.invalid", *box.usual)
    assert_sentence(done, 1, "nowhere.invalid")


def test_a_certificate_that_nobody_here_trusts(box: Box) -> None:
    box.deliver("one")
    assert_sentence(box.run("fetch", box.url, *box.without("--ca")), 4, "certificate")
    assert box.on_server == ["one"]


@pytest.mark.parametrize(
    ("name", "days", "says"),
    [("localhost", -1, "expired"), ("other.example.org", 1, 'is not for "localhost"')],
)
def test_a_certificate_that_does_not_convince(
    tmp_path: Path, name: str, days: int, says: str
) -> None:
    office = PostOffice(tmp_path, users=["alice"], settings={"server": {"workers": 1}})
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    certificate = authority().issue_cert(name, not_after=end)
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    home = tmp_path / "home"
    home.mkdir()
    with office:
        assert_sentence(Box(office, "alice", home).fetch(), 4, says)


def test_a_client_that_demands_tls_where_there_is_none(tmp_path: Path) -> None:
    settings: dict[str, dict[str, object]] = {
        "server": {"workers": 1},
        "tls": {"certificate": ""},
        "listen": {"pop3s": []},
    }
    office = PostOffice(tmp_path, users=["alice"], settings=settings)
    text = office.config.read_text().replace('certificate = ""\n', "")
    office.config.write_text(text)
    home = tmp_path / "home"
    home.mkdir()
    with office:
        box = Box(office, "alice", home)
        assert_sentence(box.run("fetch", box.stls_url, *box.usual), 4, "STLS")


def test_a_folder_without_permission(box: Box) -> None:
    box.deliver("one")
    closed = box.home / "closed"
    closed.mkdir(mode=0o500)
    done = box.run(
        "fetch", box.url, *box.usual, f"--to=maildir:{closed}/Mail", within=heed_permissions
    )
    assert_sentence(done, 1, str(closed), "Permission denied", "give the user who fetches")
    assert box.on_server == ["one"]


def test_something_else_stands_where_mail_should_go(box: Box) -> None:
    box.deliver("one")
    (box.home / "file").write_text("precious")
    done = box.fetch(f"--to=maildir:{box.home}/file")
    assert_sentence(done, 1, f"{box.home}/file", "mail cannot be stored")
    assert (box.home / "file").read_text() == "precious"
    assert box.on_server == ["one"]


def test_a_state_that_cannot_be_written(box: Box) -> None:
    box.deliver("one")
    closed = box.home / "closed"
    closed.mkdir(mode=0o500)
    state = f"--state={closed}/state"
    done = box.run("fetch", box.url, *box.usual, state, within=heed_permissions)
    assert_sentence(done, 1, "the journal", str(closed), "Permission denied", "--state")
    assert box.on_server == ["one"]


def test_a_state_that_is_damaged(box: Box) -> None:
    box.deliver("one")
    assert box.fetch("--keep").code == 0
    (journal,) = (box.home / ".local/state/pillarbox/fetch").glob("*.db")
    journal.write_bytes(b"not a database" * 1000)
    done = box.fetch()
    assert_sentence(done, 1, str(journal), "is damaged", "restore it from a backup")
    assert box.on_server == ["one"]


def test_a_state_that_another_run_holds(box: Box) -> None:
    assert box.fetch("--keep").code == 0
    (journal,) = (box.home / ".local/state/pillarbox/fetch").glob("*.db")
    with sqlite3.connect(journal, isolation_level=None) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert_sentence(box.fetch(), 1, "another fetch of this account is running")
    holder.close()


def test_one_message_that_is_refused_does_not_stop_the_others(box: Box) -> None:
    box.deliver("one", "bad", "two")
    script = box.home / "deliver"
    script.write_text("#!/bin/sh\nif grep -q 'Subject: bad'; then exit 65; fi\n")
    script.chmod(0o755)
    done = box.fetch(f"--to=command:{script}")
    assert done.code == 1
    assert "message 2: the command" in done.err
    assert "refuses it with exit code 65" in done.err
    assert "2 messages collected" in done.out
    assert "1 failed" in done.out
    assert box.on_server == ["bad"]


def test_a_reader_of_the_log_that_has_gone_stops_nothing(box: Box) -> None:
    box.deliver("one")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pillarbox", "fetch", box.url, *box.usual],
            cwd=box.home,
            env=box.environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert box.stored == ["one"]
    assert box.on_server == []


def close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_streams_that_are_closed_from_the_start_stop_nothing(box: Box, closed: list[int]) -> None:
    """As a daemon may start it. What a password command says on its stderr gets into no message."""
    box.deliver("one", "two")
    command = f"--password-command=sh -c 'echo noise >&2; cat {box.home / 'password'}'"
    done = box.run(
        "fetch",
        box.url,
        *box.without("--password-command"),
        command,
        within=lambda: close_all(closed),
    )
    assert done.code == 0
    assert done.err in {"noise\n", ""}
    assert box.stored == ["one", "two"]
    assert box.fetch().out == ""


def test_tracebacks_are_for_those_who_ask(box: Box) -> None:
    (box.home / "password").write_text("wrong\n")
    assert "Traceback" not in box.fetch().err
    done = box.run("--debug", "fetch", box.url, *box.usual)
    assert done.code == 3
    assert "Traceback" in done.err
