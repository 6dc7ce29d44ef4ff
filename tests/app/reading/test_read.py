"""`pillarbox read`, the real command."""

from __future__ import annotations

import re
import signal
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
import trustme

from tests.app.reading.reader import PATIENCE, command, environment, inside, post, reading, run

MESSAGE = (
    b"From: Ada <ada@example.org>\nTo: me@example.org\nSubject: Notes on the engine\n"
    b"Message-ID: <1@example.org>\nDate: Fri, 27 Nov 2026 10:00:00 +0000\n\nHello.\n"
)


def lay(home: Path, folder: str, name: str) -> Path:
    """A message that another program puts into the library's mail."""
    maildir = home / "library" / "mail" / folder
    for part in ("tmp", "new", "cur"):
        (maildir / part).mkdir(parents=True, exist_ok=True)
    path = maildir / "cur" / f"{name}:2,S"
    path.write_bytes(MESSAGE.replace(b"<1@", f"<{name}@".encode()))
    return path


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_it_opens_for_who_has_the_address_and_ends_by_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    with reading(tmp_path) as reader:
        assert httpx.get(reader.address, trust_env=False, timeout=PATIENCE).status_code == 401
        with inside(reader) as browser:
            page = browser.get("/mail/Archive")
            assert page.status_code == 200
            with browser.stream("GET", "/events") as events:
                assert next(events.iter_lines()).startswith("retry")
                assert reader.end(number) == 0
        token = reader.entrance.partition("token=")[2]
        assert token not in reader.log
        assert "error" not in reader.log


def test_a_second_one_opens_another_page_of_the_first(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        second = run(tmp_path)
        assert second.returncode == 0, second.stderr
        (entrance,) = re.findall(r"^Your mail: (\S+)$", second.stdout, re.MULTILINE)
        assert entrance.startswith(f"{reader.address}/enter?token=")
        with inside(reader, entrance) as browser:
            assert browser.get("/settings").status_code == 200
        third = run(tmp_path, "--reindex")
        assert third.returncode == 1
        assert "end that reader" in third.stderr


def test_after_a_kill_the_next_one_begins_at_the_same_address_and_open_pages_go_on(
    tmp_path: Path,
) -> None:
    fields = {"trash_days": "7", "hold_seconds": "10", "interval_minutes": "5"}
    with reading(tmp_path) as reader, inside(reader) as browser:
        csrf = re.findall(r'<meta name="csrf" content="([^"]+)">', browser.get("/settings").text)[0]
        assert post(browser, "/settings", fields).url.path == "/settings"
        assert reader.end(signal.SIGKILL) == -signal.SIGKILL
        with reading(tmp_path) as again:
            assert again.address == reader.address
            assert browser.get("/settings").status_code == 401, "the old cookie is worth nothing"
            assert browser.get(again.entrance).status_code == 200
            assert 'value="7"' in browser.get("/settings").text
            reply = browser.post("/settings", data=fields | {"trash_days": "8", "csrf": csrf})
            assert 'value="8"' in reply.text


def test_mail_that_is_there_is_in_the_index_soon_and_at_once_when_it_is_made_anew(
    tmp_path: Path,
) -> None:
    path = lay(tmp_path, "Archive", "one")
    with reading(tmp_path, "--reindex") as reader, inside(reader) as browser:
        assert "Notes on the engine" in browser.get("/mail/Archive").text
    assert path.exists()
    (tmp_path / "library" / "index.db").unlink()
    with reading(tmp_path) as reader, inside(reader) as browser:
        with browser.stream("GET", "/events") as events:
            lines = events.iter_lines()
            next(lines)
            if "Notes on the engine" not in browser.get("/mail/Archive").text:
                assert any(line == "event: mail" for line in lines)
        assert "Notes on the engine" in browser.get("/mail/Archive").text
    assert path.exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--listen", "0.0.0.0:0"], 4, "without TLS"),
        (["--port", "1", "--listen", "127.0.0.1:1"], 2, "not both"),
        (["--library", "pillarbox.toml"], 1, "Not a directory"),
        (["--password-command", "echo x"], 2, "opens from the terminal only"),
        *(
            pytest.param(options, 2, said, marks=pytest.mark.long)
            for options, said in (
                (["--listen", "127.0.0.1"], "--listen: "),
                (["--key", "x"], "--certificate"),
                (["--certificate", "missing.pem"], "cannot be used"),
                (["--new-password"], "no password"),
            )
        ),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    (tmp_path / "pillarbox.toml").touch()
    done = run(tmp_path, *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_beyond_loopback_it_wants_a_password_and_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "page.pem")
    (tmp_path / "password").write_text("a fine and private place\n")
    (tmp_path / "pillarbox.toml").touch()
    there = ["--listen", "0.0.0.0:0", "--certificate", "page.pem"]
    nobody = run(tmp_path, *there)
    assert nobody.returncode == 2
    assert "terminal" in nobody.stderr
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with (
        reading(tmp_path, *there, "--password-command", "cat password") as reader,
        httpx.Client(
            base_url=reader.address,
            verify=context,
            follow_redirects=True,
            headers={"Origin": reader.address},
            timeout=PATIENCE,
            trust_env=False,
        ) as browser,
    ):
        assert reader.address.startswith("https://localhost:")
        assert "password" in browser.get("/settings").text
        wrong = browser.post("/login", data={"password": "x"})
        assert wrong.status_code == 401
        right = browser.post("/login?to=/settings", data={"password": "a fine and private place"})
        assert "Where your mail is" in right.text
        another = run(tmp_path, *there, "--new-password")
        assert another.returncode == 1
        assert "end that reader" in another.stderr, "it would have done nothing"


@pytest.mark.parametrize("said", [pytest.param("", marks=pytest.mark.long), "nobody reads this\n"])
def test_it_ends_with_standard_input_if_that_is_wished(tmp_path: Path, said: str) -> None:
    (tmp_path / "pillarbox.toml").touch()
    done = subprocess.run(
        command(tmp_path, "--end-with-stdin"),
        env=environment(tmp_path),
        cwd=tmp_path,
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Your mail: ")
