"""``pillarbox`` in processes that begin with its modules loaded: forks of one that has done nothing else.

Hundreds of commands are run here, and each would spend most of its time on imports. What is
forked is a process of its own with its own streams, folder, environment and exit code, which
then goes the way of ``python -m pillarbox``. What depends on how a process *begins* (streams that
are closed, encodings, limits, modules that are not loaded) needs an interpreter of its own.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.postoffice import PATIENCE

PACKAGES = ("pillarbox.app.collecting", "pillarbox.client", "pillarbox.fetch")
MODULES = ("pillarbox.app.cli.root", "pillarbox.app.cli.fetch")
MOST = 1 << 18
"""Octets of an order."""


class Loaded:
    """The process that is forked; it ends with :meth:`close`."""

    def __init__(self) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.settimeout(PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], text: str
    ) -> tuple[int, str, str]:
        """The exit code of ``pillarbox`` with *arguments* and *text* on its standard input, and
        what it wrote to its standard output and its standard error.
        """
        order = json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env)})
        with (
            tempfile.TemporaryFile("w+") as read,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
        ):
            read.write(text)
            read.seek(0)
            socket.send_fds(
                self._door, [order.encode()], [read.fileno(), out.fileno(), err.fileno()]
            )
            answer = self._door.recv(64)
            assert answer, "the process that is forked has died"
            return int(answer), _all_of(out), _all_of(err)

    def close(self) -> None:
        self._door.close()
        self._process.wait()


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _load() -> None:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    for name in MODULES:
        importlib.import_module(name)


def _serve(door: socket.socket) -> bool:
    """Fork for each order; True: this is a fork, and has become what was ordered."""
    while True:
        order, files, *_ = socket.recv_fds(door, MOST, 3)
        if not order:
            return False
        process = os.fork()
        if process == 0:
            _become(json.loads(order), files)
            return True
        for file in files:
            os.close(file)
        _, status = os.waitpid(process, 0)
        door.send(b"%d" % os.waitstatus_to_exitcode(status))


def _become(order: dict[str, object], files: Sequence[int]) -> None:
    for place, file in enumerate(files):
        os.dup2(file, place)
        os.close(file)
    assert isinstance(order["env"], dict)
    assert isinstance(order["arguments"], list)
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["pillarbox", *order["arguments"]]


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as door:
        _load()
        ordered = _serve(door)
    if ordered:
        runpy.run_module("pillarbox", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
