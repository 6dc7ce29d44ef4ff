"""strace, to stop a run where it hurts, and folders that are quick to sync."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fetch.memory import in_memory


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory, if there is such a folder."""
    memory = in_memory()
    if memory is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="pillarbox-test-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def strace() -> str:
    """strace, if it is there and may trace."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: crashes between two writes cannot be staged")
    tried = subprocess.run(
        [program, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"strace may not trace here, so that crashes cannot be staged: {tried.stderr}")
    return program
