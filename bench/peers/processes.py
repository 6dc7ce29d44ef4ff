"""Starting servers, and ending them: as the tests do (``tests.realservers``), but with an account
of what they use.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme
from tests.realservers import server

from bench.accounting import Account

HOST = "127.0.0.1"
_PATIENCE = 20.0
"""Seconds in which a server has to end that is asked to."""


class CannotRun(Exception):
    """This server cannot be measured here; the text says why."""


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

    with server.running(
        list(command), log, env=environment, cwd=cwd, preexec_fn=prepare
    ) as process:
        account.started(process.pid)
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to; the master of one server now and then waits for its children for ever."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_it_listens(
    process: subprocess.Popen[bytes], address: tuple[str, int] | str, log: Path
) -> None:
    """Wait until *address* is listened to.

    Raises:
        CannotRun: the process has ended instead.
    """
    try:
        server.wait_until_it_listens(process, address, log)
    except AssertionError as error:
        raise CannotRun(str(error)) from None


def output_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()
