"""Running commands: within the test's process by `run`, or as real processes by `spawn`."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from pillarbox.app.cli import app
from pillarbox.app.config.settings import DAY
from pillarbox.model import DEFAULT_VIEW, Identity, Recipient
from pillarbox.store.embedded import open_store
from pillarbox.wire.canonical import stored_form

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands set up a process for themselves; undo it. And find no configuration here."""
    umask = os.umask(0o022)
    os.umask(umask)
    handlers, level = logging.root.handlers[:], logging.root.level
    show = warnings.showwarning
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in [name for name in os.environ if name.startswith("PILLARBOX_")]:
        monkeypatch.delenv(name)
    yield
    os.umask(umask)
    logging.captureWarnings(capture=False)
    warnings.showwarning = show
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where the post office of this test is kept."""
    return tmp_path / "store"


@pytest.fixture
def settings(store: Path) -> list[str]:
    # Whoever runs the tests keeps being who they are, root too.
    wanted = ("server.user=root", f"store.path={store}", "delivery.domains=example.org")
    return [text for setting in wanted for text in ("--set", setting)]


@pytest.fixture
def run(settings: list[str]) -> Run:
    """``run("user", "list", input=..., code=0)``: the result; the exit code is checked."""

    def run(*arguments: str, code: int = 0, **options: str | bytes) -> Result:
        result = CliRunner().invoke(app, [*settings, *arguments], **options)  # type: ignore[arg-type]  # input only
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def alice(run: Run) -> str:
    run("user", "add", "alice", "--password-stdin", input="secret\n")
    return "alice"


@pytest.fixture
def spawn(settings: list[str], tmp_path: Path) -> Spawn:
    """The same as a process of its own."""

    def spawn(
        *arguments: str, code: int = 0, text: str = "", path: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "pillarbox", *settings, *arguments]
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert done.returncode == code, done.stderr
        return done

    return spawn


def deliver(store: Path, user: str, messages: Sequence[bytes]) -> None:
    """Put *messages* into the maildrop of *user*, as a server would."""

    async def deliver() -> None:
        engine = open_store(store)
        for message in messages:
            assert await engine.deliver(stored_form(message), [Recipient(user)]) == [None]
        await engine.close()

    asyncio.run(deliver())


def contents(store: Path, user: str) -> list[bytes]:
    """The stored forms in the maildrop of *user*, in order."""

    async def contents() -> list[bytes]:
        engine = open_store(store)
        maildrop = await engine.open(Identity(user))
        found = []
        for number in range(1, maildrop.count + 1):
            body = await maildrop.body(number)
            assert isinstance(body.content, bytes)
            found.append(body.content)
        await maildrop.release()
        await engine.close()
        return found

    return asyncio.run(contents())


def collect(store: Path, user: str, view: str = DEFAULT_VIEW) -> int:
    """A session of *view* that deletes all it sees; how many messages those were."""

    async def collect() -> int:
        engine = open_store(store)
        maildrop = await engine.open(Identity(user, view))
        await maildrop.commit(range(1, maildrop.count + 1))
        await maildrop.release()
        await engine.close()
        return maildrop.count

    return asyncio.run(collect())


def grow_older(store: Path, *, days: float, view: str | None = None) -> None:
    """Let *days* go by, for all mail that is there, or for when *view* was made and seen."""
    if view is None:
        statement = "UPDATE messages SET received_at = received_at - ?"
        values: list[float | str] = [days * DAY]
    else:
        statement = (
            "UPDATE views SET created_at = created_at - ?1, seen_at = seen_at - ?1 WHERE name = ?2"
        )
        values = [days * DAY, view]
    for index in store.glob("shard-*/index.db"):
        with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as sql:
            sql.execute(statement, values)
