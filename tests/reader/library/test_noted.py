"""A message is the same, whatever other programs note in it, and however an earlier import has called it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import ARCHIVE, SENT, TRASH, Imported
from tests.reader.library.conftest import Place
from tests.reader.library.test_ways import ANN, FROM, contents, mbox, quiet

SECONDS = 1795465140
"""Of ANN's date."""
NOTES = {
    "mutt": b"Status: RO\nContent-Length: 5\nLines: 1\nX-Label: tea\n",
    "Dovecot": b"X-IMAPbase: 1795465140 0000000007 tea\nX-UID: 5\nStatus: RO\nX-Keywords:    \n",
    "UW": b"X-IMAP: 1795465140 0000000007 tea\n\tmore\nStatus: R\nX-Status: A\nX-Keywords: tea\nX-UID: 5\n",
    "qpopper": b"X-UIDL: 4d2b\nStatus: RO\n",
    "Thunderbird": b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: tea  \n",
    "Evolution": b"X-Evolution: 00000005-0010\n",
    "Takeout": b"X-Gmail-Labels: =?UTF-8?Q?Ge=C3=B6ffnet?=,\n =?UTF-8?Q?Posteingang?=\n",
}


@pytest.mark.parametrize("program", NOTES)
def test_what_is_noted_first_after_an_import_makes_no_message_come_twice(
    library: MailLibrary, place: Place, tmp_path: Path, program: str
) -> None:
    """Nothing was noted yet, or in one of two files: it was another message."""
    bare = mbox(tmp_path, ANN)
    assert library.bring_in(bare, ARCHIVE, quiet) == Imported(1)
    noted = mbox(tmp_path, NOTES[program] + ANN, ANN)
    assert library.bring_in(noted, ARCHIVE, quiet) == Imported(0, known=2)
    library = place.open(with_index=False)
    assert library.bring_in(noted, ARCHIVE, quiet) == Imported(0, known=2)
    assert contents(place, "Archive") == [ANN]


def test_what_lies_noted_in_one_file_and_without_a_note_in_another_is_one_message(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    source = tmp_path / "both"
    source.mkdir()
    (source / "a.eml").write_bytes(ANN)
    (source / "b").write_bytes(FROM + NOTES["mutt"] + ANN)
    done = library.bring_in(source, ARCHIVE, quiet)
    assert (done.added, done.known) == (1, 1)


@pytest.mark.parametrize(
    "sent", [b"Keywords: tea\n", b"X-Spam-Status: No\n", b"Status-Of: x\n", b"Lines-Of: 1\n"]
)
def test_what_the_sender_says_makes_another_message(
    library: MailLibrary, tmp_path: Path, sent: bytes
) -> None:
    assert library.bring_in(mbox(tmp_path, ANN, sent + ANN), ARCHIVE, quiet) == Imported(2)


def test_what_the_text_says_is_no_note(library: MailLibrary, tmp_path: Path) -> None:
    source = mbox(tmp_path, ANN, ANN + b"Status: RO\n")
    assert library.bring_in(source, ARCHIVE, quiet) == Imported(2)


def called_before(message: bytes) -> str:
    """The base name that *message* had when all of its octets counted, and its size stood there."""
    digest = hashlib.blake2b(message, digest_size=20).hexdigest()
    return f"{SECONDS}.I{digest}.import,S={len(message)}"


@pytest.mark.parametrize("with_index", [True, False])
@pytest.mark.parametrize(
    ("was", "now"),
    [(ANN, ANN), (ANN, NOTES["mutt"] + ANN), (NOTES["mutt"] + ANN, NOTES["mutt"] + ANN)],
)
def test_what_an_earlier_version_has_imported_is_known_again(
    library: MailLibrary, place: Place, tmp_path: Path, with_index: bool, was: bytes, now: bytes
) -> None:
    old = called_before(was)
    (place.mail / "Archive/cur" / f"{old}:2,S").write_bytes(was)
    library.look()
    source = mbox(tmp_path, now)
    if not with_index:
        library = place.open(with_index=False)
    done = library.bring_in(source, SENT, quiet)
    assert (done.added, done.elsewhere) == (0, ((ARCHIVE, 1),))
    assert contents(place, "Archive") == [was]


def test_what_an_earlier_version_has_imported_is_fetched_from_trash(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    old = called_before(ANN)
    (place.mail / "Trash/cur" / f"{old}:2,S").write_bytes(ANN)
    library.look()
    source = mbox(tmp_path, b"Status: O\n" + ANN)
    assert library.bring_in(source, SENT, quiet) == Imported(1)
    assert (contents(place, TRASH), contents(place, SENT)) == ([], [ANN])
    (row,) = library.page(SENT, 0, 9).rows
    assert not row.seen, "as it is noted now"
    assert library.bring_in(source, ARCHIVE, quiet).known == 1
