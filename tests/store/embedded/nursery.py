"""Actors that are born of a process which has imported all they need: they begin in milliseconds.

Hundreds of them are killed, and an interpreter that starts and imports Pillarbox takes longer
than what it is killed at. Nothing is shared: an actor is a fork of a process that has opened
no store and has one thread.

``python -m tests.store.embedded.nursery DESCRIPTOR`` has the other end of a socket. A message is
the arguments of an actor (see ``actor.py``), as JSON, with its stdin and stdout; the answers are
its process id and, when it has ended, its status.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import IO

import structlog

from . import actor

ROOT = Path(__file__).parents[3]


class Newborn:
    """An actor; it waits to be :meth:`told` before it opens its store."""

    def __init__(self, nursery: socket.socket, folder: Path, steps: tuple[str, ...]) -> None:
        self._nursery = nursery
        stdin, ours = os.pipe()
        theirs, stdout = os.pipe()
        socket.send_fds(nursery, [json.dumps([str(folder), *steps]).encode()], [stdin, stdout])
        os.close(stdin)
        os.close(stdout)
        self._stdin: IO[bytes] = os.fdopen(ours, "wb", buffering=0)
        self._stdout: IO[bytes] = os.fdopen(theirs, "rb")
        self.pid = int(nursery.recv(16))
        self._status: int | None = None

    def told(self) -> None:
        """End its wait."""
        self._stdin.write(b"\n")

    def heard(self) -> str:
        """Its next answer."""
        return self._stdout.readline().decode().rstrip("\n")

    def ended(self) -> tuple[str, int]:
        """Wait until it has ended: the rest of its answers, and its status."""
        answers = self._stdout.read().decode()
        if self._status is None:
            self._status = int(self._nursery.recv(16))
        return answers, self._status

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.ended()
        self._stdin.close()
        self._stdout.close()


class Nursery:
    """Starts with the first actor. There is one actor at a time."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def bear(self, folder: Path, *steps: str) -> Newborn:
        return Newborn(self._socket or self._started(), folder, steps)

    def _started(self) -> socket.socket:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-X",
                    "utf8",
                    "-m",
                    "tests.store.embedded.nursery",
                    str(theirs.fileno()),
                ],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        return self._socket

    def close(self) -> None:
        if self._socket and self._process:
            self._socket.close()
            self._process.wait()


def run(nursery: socket.socket) -> None:
    """Bear actors until nobody wants any more."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(nursery, 65536, 2)
        if not message:
            return
        child = os.fork()
        if not child:
            nursery.close()
            live(message, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        nursery.send(b"%d" % child)
        _, status = os.waitpid(child, 0)
        nursery.send(b"%d" % os.waitstatus_to_exitcode(status))


def live(message: bytes, descriptors: list[int]) -> None:
    """An actor's life; does not return."""
    status = 1
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        folder, *steps = json.loads(message)
        os.read(0, 1)
        asyncio.run(actor.main(Path(folder), steps))
        status = 0
    except BaseException:  # noqa: BLE001 - or it would go on as a nursery
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    # stdout is for the answers
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    run(socket.socket(fileno=int(sys.argv[1])))
