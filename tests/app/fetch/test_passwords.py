"""Where passwords come from, and that they go nowhere else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pillarbox.app.collecting import password_command
from pillarbox.app.collecting.credentials import with_credentials
from pillarbox.app.collecting.password_command import PasswordCommandFailed, password_from
from pillarbox.app.collecting.recipe import Recipe
from pillarbox.client.endpoint import Endpoint
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from tests.app.fetch.conftest import Box
from tests.app.fetch.terminal import Terminal
from tests.postoffice import PASSWORD

BACKEND = f"""
from keyring.backend import KeyringBackend

class Desktop(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        with open("asked", "a") as file:
            print(service, username, file=file)
        return {PASSWORD!r}

    def set_password(self, service, username, password):
        raise NotImplementedError

    delete_password = set_password

class Locked(Desktop):
    def get_password(self, service, username):
        raise RuntimeError("locked")
"""


@pytest.fixture
def backend(box: Box) -> dict[str, str]:
    (box.home / "desktop.py").write_text(BACKEND)
    return {"PYTHONPATH": str(box.home), "PYTHON_KEYRING_BACKEND": "desktop.Desktop"}


def test_the_keyring_is_asked_where_nothing_else_is_said(box: Box, backend: dict[str, str]) -> None:
    box.deliver("one")
    done = box.run("fetch", box.url, *box.without("--password-command"), env=backend)
    assert (done.code, done.err) == (0, "")
    assert (box.home / "asked").read_text() == f"pillarbox:localhost {box.user}\n"
    assert box.stored == ["one"]


def test_the_keyring_is_left_alone_where_something_else_is_said(
    box: Box, backend: dict[str, str]
) -> None:
    assert box.run("fetch", box.url, *box.usual, env=backend).code == 0
    assert not (box.home / "asked").exists()


def test_a_locked_keyring_is_told_of(box: Box, backend: dict[str, str]) -> None:
    env = {**backend, "PYTHON_KEYRING_BACKEND": "desktop.Locked"}
    done = box.run("fetch", box.url, *box.without("--password-command"), env=env)
    assert done.code == 2
    warning, error = done.err.splitlines()
    assert warning.startswith("pillarbox: warning: the keyring cannot be asked")
    assert "there is no password" in error


def test_no_shell_looks_at_the_command_but_the_home_folder_is_known(box: Box) -> None:
    (box.home / "p w;$HOME").write_text(f"{PASSWORD}\nsecond line\n")
    done = box.fetch("--password-command=cat '~/p w;$HOME'")
    assert (done.code, done.err) == (0, "")


def test_the_command_is_asked_only_when_the_server_is_who_it_has_to_be(box: Box) -> None:
    options = [*box.without("--ca"), "--password-command=touch asked"]
    assert box.run("fetch", box.url, *options).code == 4
    assert not (box.home / "asked").exists()


async def test_a_command_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(password_command, "TIMEOUT", 0.01)
    script = f"echo $$ > {tmp_path}/pid; exec sleep 1000"
    with pytest.raises(PasswordCommandFailed, match="did not end within"):
        await password_from(["sh", "-c", script], "work")


async def test_a_command_ends_with_the_run_that_asked_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    script = f"echo $$ > {tmp_path}/fifo; exec sleep 1000"
    task = asyncio.ensure_future(password_from(["sh", "-c", script], "work"))
    pid = int(await asyncio.to_thread((tmp_path / "fifo").read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_is_wanted_is_the_first_line_as_it_is() -> None:
    assert await password_from(["printf", " p ss \\r\\nx\\n"], "work") == " p ss "
    assert await password_from(["printf", "ohne Zeilenende ü"], "work") == "ohne Zeilenende ü"


def test_no_secret_is_in_what_python_shows() -> None:
    account = Account("a", Endpoint.parse("pop3s://a@b"), parse_destination("maildir:x"))
    recipe = Recipe(account, ("echo", "geheim"), None)
    complete = with_credentials(recipe, Path(), password="geheim")
    for shown in (repr(recipe), repr(complete), str(complete)):
        assert "geheim" not in shown


def test_a_prompt_can_be_left_with_ctrl_c(box: Box) -> None:
    """Nothing else goes on meanwhile, so that it ends at once."""
    arguments = ("fetch", box.url, *box.without("--password-command"))
    with Terminal(*arguments, home=box.home, environment=box.environment) as terminal:
        terminal.wait_for("Password for")
        terminal.interrupt()
        assert terminal.code() == 1
        assert "interrupted" in terminal.shown
