"""Reading files of one message each: an ``.eml`` file, or several."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pillarbox.sources.found import MAX_MESSAGE_OCTETS, Found, trouble_with
from pillarbox.sources.regular import open_regular

SUFFIX = ".eml"
HEAD = 64 * 1024
"""Octets in which a message shows itself: one line of a header, after any empty ones."""
NO_HEADER = "is not a message: it does not begin with a header"
_FIELD = re.compile(rb"\s*[!-9;-~]+[ \t]*:")
_OF_MAIL = re.compile(
    rb"^(?:From|Date|Subject|Message-ID|Received|Return-Path|Delivered-To|X-Mozilla-Status):",
    re.IGNORECASE | re.MULTILINE,
)


class Letters:
    """A :class:`~pillarbox.sources.found.Source`: the file *path*, or these *files* in the folder *path*. Links are not
    followed.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, files: Sequence[Path] = ()) -> None:
        self._path = path
        self._files = files or [path]
        self.total = len(self._files)

    def __iter__(self) -> Iterator[Found]:
        for file in self._files:
            yield _read(
                file, file.name if file == self._path else str(file.relative_to(self._path))
            )

    def close(self) -> None:
        """Nothing is held."""


def is_letter(head: bytes) -> bool:
    """Whether a file that begins so may be a message: with a field of a header."""
    return _FIELD.match(head[:HEAD]) is not None


def no_mail(head: bytes) -> str:
    """Why a file that begins so cannot be imported."""
    return trouble_with(head) or (
        "is no mail that can be imported: neither an mbox nor an .eml file; unpack an archive first"
    )


def is_mail(head: bytes) -> bool:
    """Whether a file that begins so surely is a message: settings and notes may begin as a header does."""
    header = re.split(rb"\r?\n\r?\n", head[:HEAD].lstrip(), maxsplit=1)[0]
    return is_letter(header) and _OF_MAIL.search(header) is not None


def _read(path: Path, label: str) -> Found:
    try:
        raw = _content(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Found(label, None, "is a symbolic link: none is followed")
        return Found(label, None, f"cannot be read: {error.strerror or error}")
    problem = trouble_with(raw)
    if not problem and not is_letter(raw):
        problem = NO_HEADER
    return Found(label, None if problem else raw, problem)


def _content(path: Path) -> bytes:
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_MESSAGE_OCTETS:
            raise OSError(f"it is larger than {MAX_MESSAGE_OCTETS} octets")
        return file.read(MAX_MESSAGE_OCTETS)
