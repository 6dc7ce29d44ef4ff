"""A folder leaves the library as one file, in pieces: nothing larger than a message is in memory.

An mbox is of the kind mboxrd. A zip holds ``.eml`` files with CRLF line ends, as most programs expect them. A tar
holds a Maildir as it is on disk.
"""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from pillarbox.fetch.destinations.mboxrd import MboxForm
from pillarbox.reader.errors import NoSuchMessage
from pillarbox.reader.library import files
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import Entry, ExportForm, Folder

HEAD = 64 * 1024
"""Octets of a message in which its subject and date are looked for."""
_SUBJECT = 60
"""Characters of it in a file's name."""
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""What a zip can hold."""


def export(maildirs: Maildirs, folder: Folder, form: ExportForm) -> Iterator[bytes]:
    """See :meth:`pillarbox.reader.contracts.Filing.export`."""
    # What is in the order of the names is nearly that of arrival: they begin with the time.
    entries = sorted(maildirs.scan(folder), key=lambda entry: (_seconds(entry.base), entry.base))
    return _FORMS[form](folder, _messages(maildirs, entries))


def _messages(maildirs: Maildirs, entries: list[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Those that are still there."""
    for entry in entries:
        try:
            yield entry, maildirs.read(entry)
        except NoSuchMessage:
            continue


def _mbox(_: Folder, messages: Iterator[tuple[Entry, bytes]]) -> Iterator[bytes]:
    for entry, message in messages:
        form = MboxForm(_seconds(entry.base))
        yield form.feed(message) + form.finish()


def _zip(_: Folder, messages: Iterator[tuple[Entry, bytes]]) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (entry, message) in enumerate(messages, 1):
            summary = summarise(message[:HEAD])
            date = summary.date or datetime.fromtimestamp(_seconds(entry.base), UTC)
            subject = summary.subject[:_SUBJECT].replace("/", "-").replace("\\", "-")
            said = f"{number:05} {date:%Y-%m-%d} {subject}"
            info = zipfile.ZipInfo(f"{safe_name(said, '', str(number))}.eml")
            info.date_time = min(max(date.timetuple()[:6], _EARLIEST), _LATEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, message.replace(b"\n", b"\r\n"))
            yield pipe.taken()
    yield pipe.taken()


def _tar(folder: Folder, messages: Iterator[tuple[Entry, bytes]]) -> Iterator[bytes]:
    pipe = _Pipe()
    root = PurePosixPath(PurePosixPath(folder).name)
    with tarfile.open(mode="w|", fileobj=pipe, format=tarfile.PAX_FORMAT) as archive:
        for part in ("tmp", files.NEW, files.CUR):
            directory = tarfile.TarInfo(str(root / part))
            directory.type, directory.mode = tarfile.DIRTYPE, 0o700
            directory.mtime = int(time.time())  # programs take 1970 for "nothing new here"
            archive.addfile(directory)
        for entry, message in messages:
            info = tarfile.TarInfo(str(root / files.place_of(entry)))
            info.size, info.mode = len(message), 0o600
            info.mtime = int(_seconds(entry.base))
            archive.addfile(info, io.BytesIO(message))
            yield pipe.taken()
    yield pipe.taken()


_FORMS: dict[ExportForm, Callable[[Folder, Iterator[tuple[Entry, bytes]]], Iterator[bytes]]] = {
    ExportForm.MBOX: _mbox,
    ExportForm.ZIP: _zip,
    ExportForm.MAILDIR: _tar,
}


class _Pipe(io.RawIOBase):
    """What an archive is written to: cannot be sought in, and is emptied between messages."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object, /) -> int:
        data = bytes(piece)  # type: ignore[call-overload]  # whatever has octets
        self._pieces.append(data)
        return len(data)

    def taken(self) -> bytes:
        """What was written since it was last asked for."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _seconds(base: str) -> float:
    """When the message arrived, as its name says; 0: it does not."""
    seconds = base.partition(".")[0]
    return float(seconds) if seconds.isdecimal() and len(seconds) <= _DIGITS else 0.0


_DIGITS = 11
"""Of seconds since 1970: until the year 5138."""
