"""Where log lines go out, in a way that stops nobody when nobody reads them.

stderr is a pipe, a socket, a terminal or a file. The first three can fill up (a log shipper
that hangs, Ctrl-S at a terminal), and a write would then wait for ever, in the middle of an
event loop. So nothing is ever waited for: a line that cannot go now is dropped and counted,
and when writing works again the count is told.

``O_NONBLOCK`` is no way to get there, since it belongs to the open file, which we share with
the shell that started us. What is done instead, by the kind of the descriptor:

* pipe, terminal: opened once more by its name under ``/proc``, which gives an open file of
  our own that may be non-blocking.
* socket (systemd's journal): ``send`` with ``MSG_DONTWAIT``.
* file: written as it is. It never fills up, short of a full disk, which is an error.
* where the second opening fails (another user's pipe, no ``/proc``): :func:`select.poll`
  asks before each write. The one hole: of two processes that ask at the same moment for
  the pipe's last page, one may have to wait.

Lines stay whole. Up to ``PIPE_BUF`` octets a pipe takes a line whole or not at all. A longer
one (a traceback) goes only when the pipe has room for it, and if it is cut off all the same,
its rest goes out before anything else of this process.
"""

from __future__ import annotations

import array
import fcntl
import mmap
import os
import select
import socket
import stat
import sys
import termios
import threading
import weakref
from collections.abc import Callable
from functools import partial

Send = Callable[[bytes], int]
"""Writes what can be written now and returns how much that was, never 0; raises OSError
(BlockingIOError: not now)."""

OWN_COPY = "/proc/self/fd/{}"


class LogStream:
    """The way out through the descriptor *fd*. Threads may share it; processes have one each.

    Args:
        fd: stays the caller's, and open.
        lost_line: makes the line that says how many were lost.
    """

    def __init__(self, fd: int, lost_line: Callable[[int], bytes]) -> None:
        self._send = _sender(fd)
        self._lost_line = lost_line
        self._lost = 0
        self._rest = b""
        # Reentrant: the garbage collector may warn, and so log, in the middle of a write.
        self._lock = threading.RLock()

    def write(self, line: bytes) -> None:
        """Write *line* now, or drop it. Raises nothing."""
        with self._lock:
            ready = not (self._rest or self._lost) or self._catch_up()
            if not (ready and self._put(line)):
                self._lost += 1

    def _catch_up(self) -> bool:
        """Write what has to go before anything new; whether it went."""
        rest, self._rest = self._rest, b""
        if rest and not self._put(rest):
            self._rest = rest
        if self._rest:
            return False
        if self._lost and self._put(self._lost_line(self._lost)):
            self._lost = 0
        return not self._lost and not self._rest

    def _put(self, data: bytes) -> bool:
        """Whether *data* went out, or has at least begun to: then its rest is kept."""
        size = len(data)
        try:
            sent = self._send(data)
            while sent < size:
                self._rest = data[sent:]
                sent += self._send(self._rest)
            self._rest = b""
        except OSError:
            # A log that fails must not take mail down with it; and where would one say so?
            return bool(self._rest)
        return True


def _sender(fd: int) -> Send:
    """The way to write to *fd* that never waits."""
    try:
        mode = os.fstat(fd).st_mode
    except OSError:  # closed: every write will say so
        return partial(os.write, fd)
    if stat.S_ISSOCK(mode):
        return _through_socket(fd)
    if stat.S_ISFIFO(mode):
        return _with_room(_opened_again(fd) or _asking_first(fd), fd)
    if stat.S_ISCHR(mode):
        return _opened_again(fd) or _asking_first(fd)
    return partial(os.write, fd)


def _opened_again(fd: int) -> Send | None:
    """Through an open file of our own, non-blocking; None: there is none to be had."""
    if sys.platform != "linux":  # elsewhere such a name means the same open file again
        return None
    try:
        own = os.open(OWN_COPY.format(fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    send = partial(os.write, own)
    weakref.finalize(send, os.close, own).atexit = False
    return send


def _asking_first(fd: int) -> Send:
    """Asks before each write. What can be written is at least a page: PIPE_BUF."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)

    def send(data: bytes) -> int:
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(fd, data[: select.PIPE_BUF])

    return send


def _through_socket(fd: int) -> Send:
    ours = socket.socket(fileno=os.dup(fd))

    def send(data: bytes) -> int:
        return ours.send(data, socket.MSG_DONTWAIT)

    weakref.finalize(send, ours.close).atexit = False
    return send


def _with_room(send: Send, pipe: int) -> Send:
    """Holds a long line back until *pipe* has room for the whole of it.

    Otherwise it would be cut off where the pipe is full, and lines of other processes would
    come between its parts.
    """

    def send_whole(data: bytes) -> int:
        if len(data) > select.PIPE_BUF and not _has_room(pipe, len(data)):
            raise BlockingIOError
        return send(data)

    return send_whole


def _has_room(pipe: int, octets: int) -> bool:
    """Whether so much fits; also when nothing is in it, as it will never hold more.

    A pipe is a row of pages. Lines of up to a page are not broken over two, so pages may be
    half empty; the first may have been read in part, and the last is left as it is.
    """
    found = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    unread = found[0]
    if not unread or not hasattr(fcntl, "F_GETPIPE_SZ"):
        return not unread
    capacity: int = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    return 2 * unread + octets + 3 * mmap.PAGESIZE <= capacity
