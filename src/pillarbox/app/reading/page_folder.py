"""What the page keeps in the library's folder, in ``page``.

========== ==========================================================================
lock       held while a reader runs; so there is one for a library
here       its address, as long as it runs
entrances  ways in that nobody has used (:mod:`pillarbox.reader.web.entrances`)
csrf       what changes carry; kept, so that open pages go on after a restart
port       the last one: the page has the same address tomorrow, if it is free then
password   its hash, for a page beyond loopback
========== ==========================================================================
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from pathlib import Path

from pillarbox.durable import replace_file
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.lock_holder import holder_of
from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.web.entrances import Entrances

PATIENCE = 15.0
"""Seconds until a reader that has just begun has said where it is."""
_LOOK_AGAIN = 0.05  # seconds
_OCTETS = 32  # nobody guesses 256 bits
_LONGEST = 4096
"""Octets of any of these files."""


class PageFolder:
    """Of the library in the folder *library*, which is made if need be.

    Raises:
        LibraryUnusable: it cannot be.
    """

    def __init__(self, library: Path) -> None:
        self.library = library
        self._folder = library / "page"
        self._lock = -1
        try:
            make_folder(self._folder)
            self._lock = os.open(
                self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise LibraryUnusable(
                f"{self._folder} cannot be made: {error.strerror}. Name another folder with --library."
            ) from None
        self.entrances = Entrances(self._folder / "entrances")

    def claim(self) -> bool:
        """Whether this process is the one reader of the library from now on, until it ends.

        Raises:
            LibraryUnusable: the file system knows no locks.
        """
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise LibraryUnusable(
                f"{self._folder} cannot be locked: {error.strerror}. "
                "The library has to be on a disk whose file system knows locks."
            ) from None
        (self._folder / "here").unlink(missing_ok=True)
        self.entrances.close_all()
        return True

    def address_of_running(self) -> str | None:
        """Where the reader is that has the library; None: it has ended meanwhile, and the library is this process's.

        Raises:
            LibraryUnusable: it does not say where it is.
        """
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if address := self._read("here"):
                return address
            if self.claim():
                return None
            time.sleep(_LOOK_AGAIN)
        holder = holder_of(self._folder / "lock") or "another process"
        raise LibraryUnusable(
            f"The library {self.library} is open in {holder}, which does not say where its page is. "
            "End it, and try again."
        )

    def announce(self, address: str) -> None:
        """Tell other processes where the page is."""
        self._write("here", address)

    def leave(self) -> None:
        """The page is gone."""
        (self._folder / "here").unlink(missing_ok=True)
        os.close(self._lock)

    @property
    def csrf(self) -> str:
        kept = self._read("csrf")
        if kept is None or not re.fullmatch(r"[A-Za-z0-9_-]{43}", kept):
            kept = secrets.token_urlsafe(_OCTETS)
            self._write("csrf", kept)
        return kept

    @property
    def port(self) -> int:
        """The last one; 0: there was none."""
        kept = self._read("port") or ""
        return int(kept) if re.fullmatch(r"[1-9][0-9]{0,4}", kept) and int(kept) < 1 << 16 else 0

    def keep_port(self, port: int) -> None:
        if port != self.port:
            self._write("port", str(port))

    @property
    def password(self) -> str | None:
        """The hash of the page's password."""
        return self._read("password")

    def keep_password(self, hashed: str) -> None:
        self._write("password", hashed)

    def _read(self, name: str) -> str | None:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(_LONGEST).decode("ascii").strip() or None
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        except OSError as error:
            raise LibraryUnusable(
                f"{self._folder / name} cannot be read: {error.strerror}."
            ) from None

    def _write(self, name: str, text: str) -> None:
        try:
            replace_file(self._folder / name, f"{text}\n".encode("ascii"))
        except OSError as error:
            raise LibraryUnusable(
                f"{self._folder / name} cannot be written: {error.strerror}. Make room, or let this user write there."
            ) from None
