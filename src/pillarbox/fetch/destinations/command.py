"""A command, run once for each message, which it reads from its standard input.

Promise: every message at least once. Twice only one whose command had not ended when this
process was killed, and after a power cut perhaps the rest of that batch. What "delivered" is
worth is the command's promise: exit code 0 means that it has the message.

Exit codes are those of a mail delivery agent (sysexits.h): 75 and others that tell of
trouble on this machine put the message off; all others refuse it. Other messages go on in
either case. No shell is involved; ``command:sh -c '...'`` brings one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, BinaryIO

from pillarbox.fetch.command_words import words_of
from pillarbox.fetch.destinations.contract import Owner, Staging
from pillarbox.fetch.destinations.spool import Spool
from pillarbox.fetch.destinations.staging import close_all
from pillarbox.fetch.destinations.trouble import trouble, usable
from pillarbox.fetch.errors import DeliveryRefused
from pillarbox.fetch.line_ends import UnixLines

if TYPE_CHECKING:
    from subprocess import Popen

TIMEOUT = 600.0
"""Seconds for one message: filters that ask the network take their time."""
OUTPUT = 2000
"""Bytes of a command's output that are shown; the rest is read and forgotten."""
LAST_WORDS = 1.0
"""Seconds for output to arrive after the command has ended. A child that it left behind may
hold its output open for as long as it lives."""

_PIECE = 64 * 1024

_PUT_OFF = {
    64: "usage",
    71: "system error",
    72: "system file missing",
    73: "cannot create",
    74: "input/output error",
    75: "temporary failure",
    77: "permission denied",
    78: "configuration error",
    126: "cannot be executed",
    127: "not found",
}
"""Exit codes that say that the machine is to blame, or the command's line, not the message
(sysexits.h; the last two are the shell's)."""


class CommandDestination:
    """See the module. A token is one of the spool's."""

    idempotent = False

    def __init__(self, command: str, owner: Owner) -> None:
        """*command* is split by :func:`~pillarbox.fetch.command_words.words_of`."""
        self._words = words_of(command)
        self._spool = Spool(owner)

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        self._spool.prepare(unsettled)

    def stage(self) -> Staging:
        return self._spool.stage(UnixLines())

    def sync(self, stagings: Sequence[Staging]) -> None:
        close_all(stagings)
        with usable(self._spool.folder):
            # Not for the contents: a name that a power cut removes would look like one taken.
            self._spool.sync()

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        return [self._deliver(token) for token in tokens]

    def settle(self, token: str) -> bool:
        with usable(self._spool.folder):
            return self._spool.was_taken(token)

    def close(self) -> None:
        """Nothing is held."""

    def _deliver(self, token: str) -> DeliveryRefused | None:
        with usable(self._spool.folder), self._spool.path(token).open("rb") as message:
            refused = self._outcome(message)
            if refused is None:
                self._spool.take(token)
            else:
                self._spool.refuse(token)
            return refused

    def _outcome(self, message: BinaryIO) -> DeliveryRefused | None:
        from subprocess import PIPE, STDOUT, Popen  # noqa: PLC0415 - seldom needed

        try:
            process = Popen(
                self._words, stdin=message, stdout=PIPE, stderr=STDOUT, start_new_session=True
            )
        except OSError as error:
            raise trouble(error, self._words[0]) from error
        output = _Output(process)
        code = _ended(process)
        if code == 0:
            return None
        return self._refused(code, output.text())

    def _refused(self, code: int | None, output: str) -> DeliveryRefused:
        said = f', saying "{output}"' if output else ""
        if code is None:
            return self._temporary(f"did not end within {TIMEOUT:.0f} seconds{said}")
        if code < 0:
            return self._temporary(f"was killed by signal {-code}{said}")
        if code in _PUT_OFF:
            return self._temporary(f"ended with {code} ({_PUT_OFF[code]}){said}")
        return DeliveryRefused(
            f"the command {self._words[0]} refuses it with exit code {code}{said}", temporary=False
        )

    def _temporary(self, what: str) -> DeliveryRefused:
        return DeliveryRefused(
            f"the command {self._words[0]} {what}: it will be tried again", temporary=True
        )


def _ended(process: Popen[bytes]) -> int | None:
    """The exit code; None: it took too long, and was killed."""
    from subprocess import TimeoutExpired  # noqa: PLC0415 - as above

    try:
        return process.wait(TIMEOUT)
    except TimeoutExpired:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Output:
    """Reads what a command says, so that it never waits for a reader, and keeps the start."""

    def __init__(self, process: Popen[bytes]) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What it said, on one line. Call it when the command has ended."""
        self._thread.join(LAST_WORDS)
        return " ".join(self._kept[:OUTPUT].decode("utf-8", "replace").split())

    def _read(self, output: BinaryIO) -> None:
        with output:
            while piece := os.read(output.fileno(), _PIECE):
                if len(self._kept) < OUTPUT:
                    self._kept += piece
