"""Starting servers, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme

from bench.accounting import Account

HOST = "127.0.0.1"
_MOMENT = 0.02
_PATIENCE = 30


class CannotRun(Exception):
    """This server cannot be measured here; the text says why."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder with a short name that servers without root's rights can look into."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as path:
        folder = Path(path)
        folder.chmod(0o711)
        yield folder


def make_certificate(folder: Path) -> ssl.SSLContext:
    """``server.pem`` (P-256; key and chain) for ``localhost``; the context of a client."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    certificate = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    account: Account,
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    enter: Callable[[], None] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended, with all that it started, when the block is left."""

    def prepare() -> None:
        account.join()
        if enter:
            enter()

    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment,
            cwd=cwd,
            preexec_fn=prepare,  # noqa: PLW1509 -- nothing here has threads when it starts servers
        )
    account.started(process.pid)
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_it_listens(
    process: subprocess.Popen[bytes], address: tuple[str, int] | str, log: Path
) -> None:
    """Wait until *address* is listened to.

    Raises:
        CannotRun: the process has ended instead.
    """
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        if process.poll() is not None:
            raise CannotRun(f"it did not start: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(_MOMENT)


def output_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()
