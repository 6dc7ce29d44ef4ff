"""Whose images are loaded without asking.

The user's word, and so in a file of its own beside the mail: one address a line, which can be read and changed by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from pillarbox.durable import replace_file
from pillarbox.reader.errors import LibraryUnusable, ReaderError
from pillarbox.reader.mail.letter import Letter, read_letter
from pillarbox.reader.model import MessageKey
from pillarbox.reader.web.features.letters.spoofing import shown_address
from pillarbox.reader.web.pages import back, desk_of, off_loop

NAME = "image-senders.txt"
"""In the library's folder."""

MAX_OCTETS = 1 << 20
"""Of the file: some ten thousand addresses."""

_TURN = Lock()
"""Who changes the file reads it first."""

_ADDRESS = re.compile(r"[^\s@<>\",;:()\[\]\\]{1,64}@[^\s@<>\",;:()\[\]\\]{1,255}")


class NotTrusted(ReaderError):
    """A sender whose name says something else than his address, or who is several."""


class ImageSenders:
    """The file *path*. Blocking; from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def allows(self, letter: Letter) -> bool:
        """Whether the images of *letter* are loaded at once. Not while the file cannot be read: the letter can be."""
        address = trusted_address(letter)
        try:
            return bool(address) and address in self._read()
        except LibraryUnusable:
            return False

    def add(self, letter: Letter) -> None:
        """From now on, always. Durable on return.

        Raises:
            NotTrusted: it is not clear whose letter it is.
            LibraryUnusable: the file cannot be written.
        """
        address = trusted_address(letter)
        if not address:
            raise NotTrusted(
                "Images of this sender are not loaded always: it is not clear who it is. Load them for this message alone."
            )
        with _TURN:
            self._write(self._read() | {address})

    def remove(self, letter: Letter) -> None:
        """Not any more. Durable on return.

        Raises:
            LibraryUnusable: the file cannot be written.
        """
        with _TURN:
            self._write(self._read() - {trusted_address(letter)})

    def _write(self, addresses: frozenset[str]) -> None:
        if addresses == self._read():
            return
        content = "".join(f"{line}\n" for line in sorted(addresses))
        try:
            replace_file(self._path, content.encode())
        except OSError as error:
            raise LibraryUnusable(
                f"{self._path} cannot be written: {error.strerror}. Nothing was changed."
            ) from None

    def _read(self) -> frozenset[str]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_OCTETS)
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise LibraryUnusable(f"{self._path} cannot be read: {error.strerror}.") from None
        lines = content.decode("utf-8", "replace").splitlines()
        return frozenset(line.strip().casefold() for line in lines if line.strip())


def trusted_address(letter: Letter) -> str:
    """The sender's address, folded, if there is exactly one, and his name does not say another; else nothing."""
    if len(letter.sender) != 1:
        return ""
    sender = letter.sender[0]
    if shown_address(sender) or not _ADDRESS.fullmatch(sender.address):
        return ""
    return sender.address.casefold()


def senders_of(request: Request) -> ImageSenders:
    """Those of the reader that *request* is for."""
    return ImageSenders(desk_of(request).preferences.folder / NAME)


async def allow_images(request: Request) -> Response:
    """``POST /message/KEY/images``: always for this sender; with ``on=0``, not any more."""
    key = MessageKey(request.path_params["key"])
    desk, senders = desk_of(request), senders_of(request)
    async with request.form(max_files=0) as form:
        to, on = form.get("back"), form.get("on") != "0"

    def change() -> None:
        letter = read_letter(desk.library.read(key))
        if on:
            senders.add(letter)
        else:
            senders.remove(letter)

    await off_loop(change)
    return back(to if isinstance(to, str) and to else f"/message/{key}")
