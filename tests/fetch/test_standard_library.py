"""The client needs nothing but the standard library, to be imported and to collect mail.

The programs here run without ``site-packages``: what is not in the standard library is not there,
and whoever asks for it is told so by the import itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pillarbox
from pillarbox.fetch.events import Totals
from pillarbox.fetch.rules import Rules
from tests.fetch.children import run_child
from tests.postoffice import PASSWORD, PATIENCE
from tests.realservers.ours import Ours, ours

CONTENT = b"Subject: hello\r\n\r\n.there\r\n"
BARE = ("-S", "-P")
"""Options of the interpreter: no site-packages, and nothing from where the program lies."""

LIBRARY = """
import asyncio, sys
import pillarbox
from pillarbox.client.tls import TlsSettings
from pathlib import Path

url, authority = sys.argv[1:]
settings = {"password": sys.stdin.readline().rstrip(), "tls": TlsSettings(Path(authority))}

async def collect():
    async with pillarbox.connect(url, **settings) as box:
        return [await message.read() async for message in box.retrieve_many([1])]

with pillarbox.sync.connect(url, **settings) as box:
    contents = [message.read() for message in box.retrieve_many([1])]
assert contents == asyncio.run(collect())
assert not [name for name in sys.modules if "site-packages" in (getattr(sys.modules[name], "__file__", None) or "")]
sys.stdout.buffer.write(contents[0])
"""


@pytest.fixture
def server() -> Iterator[Ours]:
    with ours() as running:
        running.put([CONTENT])
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where Pillarbox is to be found, and nothing else."""
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "pillarbox").symlink_to(Path(pillarbox.__file__).parent)
    return {"PYTHONPATH": str(alone), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


def test_nothing_else_is_there(environment: dict[str, str]) -> None:
    command = [sys.executable, *BARE, "-c", "import pillarbox.client.aio, typer"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "No module named 'typer'" in done.stderr


def test_the_library_collects(server: Ours, environment: dict[str, str]) -> None:
    way = server.way()
    done = subprocess.run(
        [sys.executable, *BARE, "-c", LIBRARY, str(way.endpoint), str(way.tls.ca)],
        input=PASSWORD.encode(),
        env=environment,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, CONTENT), done.stderr.decode()


@pytest.mark.parametrize("kind", ["maildir", "mbox", "mh", "command"])
def test_a_run_collects(
    kind: str, server: Ours, environment: dict[str, str], tmp_path: Path
) -> None:
    place = f"sh -c 'cat > {tmp_path}/mail'" if kind == "command" else tmp_path / "mail"
    report = run_child(
        server.way(),
        f"{kind}:{place}",
        tmp_path / "state",
        Rules(),
        options=BARE,
        environment=environment,
    )
    assert (report.error, report.totals) == (None, Totals(1, len(CONTENT), deleted=1))
    assert (tmp_path / "mail").exists()
    assert server.left() == 0
