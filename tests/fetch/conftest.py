"""strace, to stop a run where it hurts."""

from __future__ import annotations

import shutil
import subprocess

import pytest


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
