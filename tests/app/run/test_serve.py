"""``pillarbox serve`` from the start to the end."""

from __future__ import annotations

import base64
import poplib
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.run.processes import accepts, eventually, get, greets, watching
from tests.postoffice import DOORS, HOST, PASSWORD, PostOffice

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"
OTHER_SERVER = "another server works on this store, or is just ending"


def test_the_ready_line_names_every_door_that_accepts(tmp_path: Path) -> None:
    settings = {"listen": {"lmtp": [f"{HOST}:0", "unix:lmtp.sock"]}}
    with PostOffice(tmp_path, settings=settings) as office:
        (ready,) = office.log.find("ready")
        assert set(DOORS) <= set(ready)
        assert ready["lmtp"].endswith(f",unix:{tmp_path / 'lmtp.sock'}")
        assert all(
            accepts(address) for door, address in office.addresses.items() if door != "pop3s"
        )
        office.connect("pop3s").close()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "lmtp.sock"))
            assert client.recv(4) == b"220 "
        assert office.stop() == 0
    assert not (tmp_path / "lmtp.sock").exists()


def test_text_is_the_default_form_of_the_log(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.config.write_text(office.config.read_text().replace('log_format = "json"\n', ""))
    process = subprocess.Popen(
        [sys.executable, "-m", "pillarbox", "--config", str(office.config), "serve"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        ready = next(line for line in process.stderr if " ready " in line)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert f" pop3={HOST}:" in ready
    assert "stopped exit_code=0" in rest
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_sessions_finish(tmp_path: Path, number: signal.Signals) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        office.deliver(MESSAGE, "alice")
        address = office.addresses["pop3"]
        with watching(office.workers()) as gone:
            with office.session("alice") as client:
                client.dele(1)
                office.signal(number)
                office.log.wait_for("stopping")
                eventually(lambda: not accepts(address), "the door is closed")
                assert client.noop().startswith(b"+OK")
            gone()
        assert office.wait() == 0
        office.start()
        assert office.collect("alice") == []


def test_the_health_page_outlives_the_doors_and_says_draining(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        health = office.addresses["http"]
        with office.session("alice"):
            office.signal(signal.SIGTERM)
            office.log.wait_for("stopping")
            eventually(lambda: b"is draining" in get(health, "/ready")[1], "draining")
            assert get(health, "/ready")[0] == 503
            assert get(health, "/live")[0] == 200
        assert office.wait() == 0


def test_load_balancers_are_told_before_the_doors_close(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"], settings={"limits": {"stop_delay": 3600}}) as office:
        office.deliver(MESSAGE, "alice")
        health = office.addresses["http"]
        office.signal(signal.SIGTERM)
        office.log.wait_for("stopping")
        status, page = get(health, "/ready")
        assert status == 503
        assert b"has been told to stop" in page
        assert get(health, "/live")[0] == 200
        assert len(office.collect("alice", keep=False)) == 1  # whoever still comes is served
        office.signal(signal.SIGHUP)  # too late for that
        office.signal(signal.SIGTERM)
        assert office.wait() == 0
        assert not office.log.find("reloading")


def test_the_doors_close_when_the_delay_is_over(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"], settings={"limits": {"stop_delay": 1}}) as office:
        office.deliver(MESSAGE, "alice")
        with office.session("alice") as client:
            client.dele(1)
            office.signal(signal.SIGTERM)
            office.log.wait_for("stopping")
            eventually(lambda: not accepts(office.addresses["pop3"]), "the door is closed")
            assert client.noop().startswith(b"+OK")
        assert office.wait() == 0
        assert len(office.log.find("stopping")) == 1
        office.start()
        assert office.collect("alice") == []


@pytest.mark.parametrize("again", [False, True], ids=["time is up", "second signal"])
def test_a_session_that_does_not_end_is_cut_off_and_removes_nothing(
    tmp_path: Path, again: bool
) -> None:
    grace = 3600 if again else 1
    with PostOffice(
        tmp_path, users=["alice"], settings={"limits": {"stop_grace": grace}}
    ) as office:
        office.deliver(MESSAGE, "alice")
        with office.session("alice", quits=False) as client:
            client.dele(1)
            office.signal(signal.SIGTERM)
            office.log.wait_for("stopping")
            if again:
                office.signal(signal.SIGTERM)
            assert office.wait() == 0
            with pytest.raises((poplib.error_proto, OSError)):
                client.noop()
        office.start()
        assert len(office.collect("alice")) == 1


def test_a_port_in_use_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        office = PostOffice(tmp_path, settings={"listen": {"pop3": [f"{HOST}:{port}"]}})
        done = office.run("serve")
    assert done.returncode == 2
    assert f"listen.pop3: cannot listen on {HOST}:{port}" in done.stderr
    assert "another program" in done.stderr
    assert str(office.config) in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"no certificate\n", "not a usable certificate")],
)
def test_a_certificate_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    office = PostOffice(tmp_path)
    file = tmp_path / "server.pem"
    file.unlink() if content is None else file.write_bytes(content)
    done = office.run("serve")
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert says in done.stderr


def test_a_store_that_is_no_folder_is_named(tmp_path: Path) -> None:
    office = PostOffice(tmp_path)
    office.store.write_text("not a folder")
    done = office.run("serve")
    assert done.returncode == 2
    assert "store.path" in done.stderr
    assert str(office.store) in done.stderr


def test_a_server_whose_workers_cannot_start_ends_and_says_why(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=["alice"])
    with office:
        office.stop()
    # What describes the store's layout is damaged: workers open the store, not the supervisor.
    (description,) = [path for path in office.store.iterdir() if path.suffix == ".json"]
    description.write_text("{")
    done = office.run("serve")
    assert done.returncode == 1
    assert "cannot serve" in done.stderr
    assert str(description) in done.stderr


def test_limits_hold_over_all_workers(tmp_path: Path) -> None:
    with PostOffice(tmp_path, settings={"limits": {"connections_per_address": 5}}) as office:
        clients = [greets(office.addresses["pop3"]) for _ in range(12)]
        try:
            assert sum(client is not None for client in clients) == 5
        finally:
            for client in filter(None, clients):
                client.close()


def test_no_password_is_ever_logged(tmp_path: Path) -> None:
    settings = {"server": {"log_level": "debug"}}
    wrong = "wrong but recognisable"
    initial = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
    with PostOffice(tmp_path, users=["alice"], settings=settings) as office:
        office.collect("alice")
        for command in ("USER alice", f"PASS {wrong}"), (f"AUTH PLAIN {initial}", "QUIT"):
            client = office.connect()
            for line in command:
                client._putcmd(line)  # type: ignore[attr-defined] # says nothing about the answer
                client._getline()  # type: ignore[attr-defined]
            client.close()
        office.log.wait_for("session ended", count=3)
        office.stop()
        log = (tmp_path / "server.log").read_text()
    for secret in (PASSWORD, wrong, initial):
        assert secret not in log


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    office = PostOffice(tmp_path)

    def temporary() -> list[Path]:
        return [*scratch.iterdir(), *office.store.glob("metrics-*")]

    with office:
        (folder,) = temporary()
        assert folder.stat().st_mode & 0o777 == 0o700
        office.stop()
    assert temporary() == []
    with office:
        office.kill()
        (left,) = temporary()
    with office:
        (fresh,) = temporary()
        assert fresh != left


def test_a_certificate_that_clients_would_refuse_is_warned_about(tmp_path: Path) -> None:
    with PostOffice(tmp_path, settings={"server": {"hostname": "pop.example.org"}}) as office:
        log = office.log
        (warning,) = (x["warning"] for x in log.find("configuration"))
        assert 'server.hostname: "pop.example.org" is not a name of the certificate' in warning
        office.signal(signal.SIGHUP)
        log.wait_for("ready", count=2)
        assert len(log.find("configuration")) == 2


def test_a_second_server_on_the_same_store_says_so_and_serves(tmp_path: Path) -> None:
    """At other ports, as a mistaken store.path would have it: no harm is done, but it is told."""
    (tmp_path / "other").mkdir()
    with PostOffice(tmp_path, users=["alice"]) as office:
        assert office.log.find(OTHER_SERVER) == []
        office.deliver(MESSAGE, "alice")
        with PostOffice(tmp_path / "other", store=office.store) as other:
            line = other.log.only(OTHER_SERVER)
            assert line["level"] == "warning"
            assert line["store"] == str(office.store)
            assert line["holders"].startswith(f"process {office.pid} (")
            assert len(other.collect("alice")) == 1
            other.signal(signal.SIGHUP)  # its own processes of before are nobody else
            other.log.wait_for("ready", count=2)
            assert len(other.log.find(OTHER_SERVER)) == 1
        office.stop()
        office.start()
        assert office.log.find(OTHER_SERVER) == []
