"""Processes of ``pillarbox``, and of the tests' own programs, that need not import it.

Half a second of a core goes into importing before a server or a command begins, and the tests start
hundreds of them. So one process imports, once, and does nothing else; what is started is forked
off it, with the environment, the folder and the streams that it is given, and goes the same way
from ``python -m`` on, to the end of an interpreter of its own.

What looks at memory, or sets something before the interpreter starts, has to start it afresh.

Run as a program it is that process, for the module that it is given; file descriptor 0 is a socket, by which it is asked.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_MOST = 1024 * 1024
_PROGRAM = "pillarbox"
_MODULES = (
    "pillarbox.app.cli.root",
    "pillarbox.app.supervisor",
    "pillarbox.app.monitor",
    "pillarbox.app.worker",
    "pillarbox.app.wire_up_servers",
    "pillarbox.app.cli.fetch",
)
_PACKAGES = ("pillarbox.app.collecting", "pillarbox.client", "pillarbox.fetch")
"""With all that is in them: what the collector's commands need."""
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "TZ", "MALLOC", "LD_")
"""How the names begin of what is looked at in the environment once, when an interpreter starts."""

IS_POSSIBLE = sys.platform == "linux"
"""Elsewhere a process that has imported as much may not be forked."""


class Warm:
    """One process; what there is of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, ending: int) -> None:
        """*ending*: a pipe, where the exit code comes."""
        self.pid = pid
        self.returncode: int | None = None
        self._ending = ending

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, of a signal its number below zero.

        Raises:
            subprocess.TimeoutExpired: it has not ended within *timeout* seconds.
        """
        if self.returncode is None:
            if not select.select([self._ending], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(["pillarbox"], timeout or 0)
            code = os.read(self._ending, 16)
            os.close(self._ending)
            assert code, "the process that starts others has ended"
            self.returncode = int(code)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class _Starter:
    """The process that others are forked off, and how it is asked."""

    def __init__(self, module: str) -> None:
        self._turn = threading.Lock()
        """Several threads may ask, and each is to hear its own answer."""
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._owner = os.getpid()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__, module],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        if os.getpid() == self._owner:  # not a child that was forked
            self._socket.close()
            self._process.kill()
            self._process.wait()

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        prelude: str,
        streams: Sequence[int],
    ) -> Warm:
        ending, told = os.pipe()
        try:
            asked = json.dumps([[*arguments], dict(env), str(folder), _limits(), prelude])
            with self._turn:
                socket.send_fds(self._socket, [asked.encode()], [*streams, told])
                return Warm(int(self._socket.recv(64)), ending)
        finally:
            os.close(told)


def _limits() -> dict[str, tuple[int, int]]:
    """What this process may use, which its children inherit."""
    names = (name for name in dir(resource) if name.startswith("RLIMIT_"))
    return {name: resource.getrlimit(getattr(resource, name)) for name in names}


_making = threading.Lock()


@functools.cache
def _starter(process: int, settings: tuple[str, ...], module: str) -> _Starter:
    """For one *process*, of which a child that was forked has no use, one environment, and one *module*."""
    del process, settings
    return _Starter(module)


def start(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    module: str = _PROGRAM,
    folder: Path | None = None,
    prelude: str = "",
    stdin: int | None = None,
    out: int,
    err: int,
) -> Warm:
    """``python -m`` *module* with *arguments*, in a session of its own, in *folder* (ours), with nothing to read unless there
    is a *stdin*; behind the *prelude*, a program that changes what the tests cannot wait for.
    """
    settings = (f"{k}={v}" for k, v in sorted(env.items()) if k.startswith(_OF_THE_INTERPRETER))
    with _making:
        starter = _starter(os.getpid(), tuple(settings), module)
    with Path(os.devnull).open("rb") as nothing:
        streams = (nothing.fileno() if stdin is None else stdin, out, err)
        return starter.start(arguments, env, folder or Path.cwd(), prelude, streams)


def run(
    arguments: Sequence[str],
    env: Mapping[str, str],
    *,
    timeout: float,
    folder: Path | None = None,
    prelude: str = "",
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """``pillarbox`` until it has ended, with *text* to read; what there is of :func:`subprocess.run`.

    Raises:
        subprocess.TimeoutExpired: it has not ended within *timeout* seconds.
    """
    with (
        tempfile.TemporaryFile("w+") as read,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        read.write(text)
        read.seek(0)
        process = start(
            arguments,
            env,
            folder=folder,
            prelude=prelude,
            stdin=read.fileno(),
            out=out.fileno(),
            err=err.fileno(),
        )
        code = process.wait(timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


# -- the process itself


def _serve() -> bool:
    """Start what is asked for. False: who asks has ended; True: this is what was started."""
    asking = socket.socket(fileno=os.dup(0))
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([asking, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell_of_ends(running)
        if asking not in ready:
            continue
        asked, given = _asked(asking)
        if not asked:
            return False
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (asking, woken, wakes):
                other.close()
            for told in running.values():
                os.close(told)
            _become(given, *json.loads(asked))
            return True
        *streams, running[pid] = given
        for stream in streams:
            os.close(stream)
        asking.send(b"%d" % pid)


def _asked(asking: socket.socket) -> tuple[bytes, list[int]]:
    """The next wish, and the descriptors that came with it: none of them for its children."""
    room = socket.CMSG_SPACE(4 * array.array("i").itemsize)
    asked, extra, _, _ = asking.recvmsg(_MOST, room)
    given = array.array("i")
    for _, _, data in extra:
        given.frombytes(data)
    for descriptor in given:
        os.set_inheritable(descriptor, False)
    return asked, [*given]


def _tell_of_ends(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody asks any more
            os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
        os.close(told)


def _become(
    given: list[int],
    arguments: list[str],
    env: dict[str, str],
    folder: str,
    limits: dict[str, list[int]],
    prelude: str,
) -> None:
    *streams, told = given
    os.setsid()
    for name, (soft, hard) in limits.items():
        if resource.getrlimit(getattr(resource, name)) != (soft, hard):
            resource.setrlimit(getattr(resource, name), (soft, hard))
    os.close(told)
    for place, descriptor in enumerate(streams):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[1:] = arguments
    gc.unfreeze()
    exec(prelude, {})


def _main(module: str) -> None:
    sys.path[0] = ""  # as for -m; this file's folder has other modules
    if module == _PROGRAM:
        _import_the_program()
    else:
        importlib.import_module(module)
        del sys.modules[module]  # what it has imported stays; itself it is run
    gc.collect()
    gc.freeze()
    if _serve():
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _import_the_program() -> None:
    for name in _PACKAGES:
        package = importlib.import_module(name)
        for each in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(each.name)
    for name in _MODULES:
        importlib.import_module(name)


if __name__ == "__main__":
    _main(sys.argv[1])
