"""``pillarbox demo``: what it prints works when it is pasted, and nothing stays behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from pillarbox.app.demo import HOST, PORTS
from tests.postoffice import PATIENCE

END = "Ctrl-C ends it"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="the tour is told with curl")


@contextlib.contextmanager
def demo(tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running demo, and what it printed."""
    command: Sequence[str] = [sys.executable, "-m", "pillarbox", "demo", "--no-browser", *options]
    with (tmp_path / "demo.log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
    with process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith(END):
                    break
            yield process, "".join(lines)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def commands(text: str) -> list[str]:
    """The commands of the tour, with continued lines joined."""
    joined = re.sub(r"(\||\\)\n +", r"\1 ", text).replace("\\ ", "")
    return [
        line.strip()
        for line in joined.splitlines()
        if re.match(r"  (curl|printf|.*pillarbox) ", line)
    ]


@needs_curl
def test_every_command_of_the_tour_works(tmp_path: Path) -> None:
    with demo(tmp_path) as (_, text):
        assert "3 messages are waiting" in text
        send, listing, retrieve, delete, fetch, *phone_and_laptop, stls, show, _, metrics = (
            commands(text)
        )
        assert [line[0] for line in shell(listing).stdout.split("\n") if line] == ["1", "2", "3"]
        assert "Subject: Welcome" in shell(retrieve).stdout
        assert "Subject: Welcome" in shell(stls).stdout
        collected = shell(fetch)
        assert "3 messages collected" in collected.stdout, collected.stderr
        (folder,) = tmp_path.glob("pillarbox-demo-*")
        assert len(list((folder / "alice-mail/new").iterdir())) == 3
        assert shell(fetch).stdout == ""
        sent = shell(send)
        assert sent.returncode == 0, sent.stderr
        assert len(shell(listing).stdout.split()) == 8
        assert "alice" in shell(show).stdout
        phone_deletes, phone, laptop, devices = phone_and_laptop
        assert shell(phone_deletes).returncode == 0
        assert len(shell(phone).stdout.split()) == 6
        assert len(shell(laptop).stdout.split()) == 8
        listed = [line.split()[0] for line in shell(devices).stdout.splitlines()]
        assert listed == ["DEVICE", "default", "laptop", "phone", "reader"]
        gone = shell(delete)
        assert gone.returncode == 0, gone.stderr
        assert "Subject: Welcome" not in shell(retrieve).stdout
        # Workers write their counters once a second; each question takes some milliseconds.
        counted = 'pillarbox_deliveries_total{door="smtp",outcome="stored"}'
        assert any(counted in shell(metrics).stdout for _ in range(1000))


def test_the_reader_opens_on_both_accounts(tmp_path: Path) -> None:
    """Behind the address of the tour is a page with their inboxes; it ends with the demo."""
    with demo(tmp_path) as (_, text):
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\S+", text)
        assert found, text
        with httpx.Client(follow_redirects=True, timeout=PATIENCE) as browser:
            page = browser.get(found[0])
            assert page.status_code == 200
            for user in ("alice", "bob"):
                assert f"/mail/Inbox/{user}" in page.text
        address = (HOST, int(found[1]))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, PATIENCE)


def test_a_demo_that_is_killed_leaves_no_reader_behind(tmp_path: Path) -> None:
    """Whoever waits for the lock of its library gets it."""
    with (
        demo(tmp_path, "--path", str(tmp_path / "demo")) as (process, _),
        (tmp_path / "demo/reader/mail/lock").open("rb") as lock,
    ):
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.kill()
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_ctrl_c_ends_it_and_nothing_stays(tmp_path: Path) -> None:
    with demo(tmp_path, "--no-mail") as (process, text):
        assert "messages are waiting" not in text
        (folder,) = tmp_path.glob("pillarbox-demo-*")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["demo.log"]


def test_a_folder_of_one_s_own_is_kept_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    with demo(tmp_path, "--path", str(path)) as (_, text):
        assert "3 messages are waiting" in text
    authority = (path / "ca.pem").read_bytes()
    with demo(tmp_path, "--path", str(path), "--no-mail") as (_, text):
        call = f"{sys.executable} -m pillarbox --config {path / 'pillarbox.toml'}"
        assert "3 messages" in shell(f"{call} maildrop show alice").stdout
    assert (path / "ca.pem").read_bytes() == authority


def test_ports_that_are_taken_are_avoided(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        for port in PORTS.values():
            with contextlib.suppress(OSError):  # taken already: just as well
                stack.enter_context(socket.create_server((HOST, port)))
        with demo(tmp_path, "--no-mail") as (_, text):
            used = {int(port) for port in re.findall(r"localhost:(\d+)", text)}
            assert used
            assert not used & set(PORTS.values())
            for port in used:
                socket.create_connection((HOST, port), PATIENCE).close()


def test_the_settings_of_a_real_post_office_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "real"
    monkeypatch.setenv("PILLARBOX_STORE__PATH", str(real))
    with demo(tmp_path, "--no-mail"):
        assert not real.exists()


def test_a_configuration_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pillarbox.toml"
    file.write_text("")
    command = [sys.executable, "-m", "pillarbox", "--config", str(file), "demo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert f"pillarbox --config {file} serve" in done.stderr


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """``demo --path`` once wrote over a real pillarbox.toml and its key."""
    real = tmp_path / "etc"
    real.mkdir()
    (real / "pillarbox.toml").write_text("[server]\n")
    (real / "key.pem").write_text("a key")
    command = [sys.executable, "-m", "pillarbox", "demo", "--path", str(real)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert str(real) in run.stderr
    assert "empty folder" in run.stderr
    assert sorted(path.name for path in real.iterdir()) == ["key.pem", "pillarbox.toml"]
    assert (real / "pillarbox.toml").read_text() == "[server]\n"
