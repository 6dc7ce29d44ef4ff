"""HAProxy in front of a post office: a program of its own, with ports that the system chose."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postoffice import HOST, PATIENCE, Address

PROGRAM = shutil.which("haproxy") or "/usr/sbin/haproxy"
needs_haproxy = pytest.mark.skipif(not Path(PROGRAM).exists(), reason="haproxy is not installed")

_CONFIG = """
global
    maxconn 100
defaults
    mode tcp
    timeout connect 60s
    timeout client 600s
    timeout server 600s
listen office
    bind fd@{fd} {options}
    server office {host}:{port} {how}
"""


@contextlib.contextmanager
def haproxy(folder: Path, to: Address, how: str, options: str = "") -> Iterator[Address]:
    """Where it listens: it passes connections on to *to*, announced as *how* (``send-proxy``, …)."""
    config = folder / "haproxy.cfg"
    with socket.create_server((HOST, 0)) as listening, (folder / "haproxy.log").open("wb") as log:
        config.write_text(
            _CONFIG.format(
                fd=listening.fileno(), options=options, host=to.host, port=to.port, how=how
            )
        )
        process = subprocess.Popen(
            [PROGRAM, "-db", "-f", str(config)],
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            yield Address(*listening.getsockname())
        finally:
            process.terminate()
            process.wait(PATIENCE)
