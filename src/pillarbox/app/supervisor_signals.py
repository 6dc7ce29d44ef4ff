"""Waiting for signals and for word from the children, without threads and without asyncio.

Signal handlers do nothing: Python writes each signal's number into a pipe
(:func:`signal.set_wakeup_fd`), and the supervisor reads it in its own time, so no signal
can interrupt it half-way through a step.
"""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Sequence
from types import FrameType

from pillarbox.app.supervisor_children import SUPERVISED

_READ = 4096


class Mailbox:
    """Everything that can wake the supervisor."""

    def __init__(self) -> None:
        self._signals, self._wakeup = _pipe()
        self._notices, self.notice = _pipe()
        """``notice``: where children write a byte when their state has changed."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signals, selectors.EVENT_READ)
        self._selector.register(self._notices, selectors.EVENT_READ)

    def open(self) -> None:
        """From here on, signals come in here."""
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for number in SUPERVISED:
            signal.signal(number, _do_nothing)

    def wait(self, seconds: float) -> Sequence[signal.Signals]:
        """Sleep until something happens; returns the signals that came, in order."""
        self._selector.select(max(0.0, seconds))
        _drain(self._notices)
        return [signal.Signals(number) for number in _drain(self._signals)]

    def forget(self) -> None:
        """In a child: close what is the supervisor's; ``notice`` stays."""
        self._selector.close()
        for descriptor in (self._signals, self._wakeup, self._notices):
            os.close(descriptor)


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


def _drain(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _READ)
    except BlockingIOError:
        return b""


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """The pipe has the number already."""
