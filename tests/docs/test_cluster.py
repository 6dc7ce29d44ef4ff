"""What docs/howto/cluster.md shows is in order, and its files are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pillarbox.app.cli.cluster import ClusterGroup
from pillarbox.app.config import load
from pillarbox.auth.cluster.serving import SERVING_CONNECTIONS
from pillarbox.database.database import CONNECTIONS, STATEMENT_SECONDS
from pillarbox.server.transaction import PAGE
from pillarbox.store.cluster.collector import BATCH, GRACE_SECONDS
from pillarbox.store.cluster.object_stream import PIECE, STRETCH
from pillarbox.store.cluster.opening import SMALL

ROOT = Path(__file__).parents[2]
PAGE_FILE = ROOT / "docs" / "howto" / "cluster.md"
TEXT = PAGE_FILE.read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", examples("toml"))
def test_every_configuration_is_in_order(tmp_path: Path, example: str) -> None:
    file = tmp_path / "pillarbox.toml"
    file.write_text(example)
    assert load(file, environ={}).warnings == ()


@pytest.mark.parametrize("example", [x for x in examples("text") if "listen pop3s" in x])
def test_every_balancer_is_valid(tmp_path: Path, example: str) -> None:
    haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    file = tmp_path / "haproxy.cfg"
    file.write_text(example)
    done = subprocess.run([haproxy, "-c", "-f", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        if "://" not in target:
            assert (PAGE_FILE.parent / target).exists(), target
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_the_commands_that_it_names_are_there() -> None:
    named = re.findall(r"pillarbox cluster (\w+)", TEXT)
    assert set(named) <= set(ClusterGroup.table)


def test_its_numbers_are_those_of_the_code() -> None:
    connections = f"up to `store.connections` ({CONNECTIONS}) for mail, 1 for its leases, "
    assert f"{connections}{SERVING_CONNECTIONS} for sign-ins and 1 for changed" in _joined()
    assert (
        f"workers \N{MULTIPLICATION SIGN} (store.connections + {SERVING_CONNECTIONS + 2})" in TEXT
    )
    assert f"asked about for {STATEMENT_SECONDS:.0f} seconds" in _joined()
    assert f"+ 1 for each {PAGE:,}" in TEXT
    assert f"up to {SMALL} messages listed" in TEXT
    assert GRACE_SECONDS == 600
    assert "ten minutes after the last" in _joined()
    assert BATCH == 1000
    assert (PIECE, STRETCH) == (256 * 1024, 1024 * 1024)
    assert "1 for 256 KiB, and 1 for each MiB more" in TEXT


def _joined() -> str:
    return " ".join(TEXT.split())
