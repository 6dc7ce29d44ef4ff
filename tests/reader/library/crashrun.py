"""A reader's work on a library, as a process of its own that can be killed: ``python -m … ROOT``.

What it may do to a message that was there before is to move it, to mark it, and to remove the one whose subject is "erased".
"""

from __future__ import annotations

import sys
from pathlib import Path

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import ARCHIVE, SENT, TRASH, Flag, Folder, Rule, inbox_of
from tests.reader.library.conftest import Place

WORK = inbox_of("work")
OWN, INNER = Folder("Own"), Folder("Own/inner")
RULES = [Rule("1", sender="ann", move_to=ARCHIVE, mark_seen=True)]
ADDED = b"Subject: added\n\n" + b"text\n" * 1000
NAME = "1.added"
ERASED = b"Subject: erased\n\ntext\n"


def prepare(place: Place) -> set[bytes]:
    """A library with mail in it; all that has to be there afterwards."""
    library = place.open()
    library.folder_of("work")
    library.rules.save(RULES)
    for folder in ("Own", "Own/inner"):
        library.make_folder(folder)
    for folder, name in ((WORK, "b"), (WORK, "c"), (OWN, "d"), (INNER, "e"), (SENT, "f")):
        library.add(folder, f"Subject: {name}\n\ntext\n".encode())
    library.add(TRASH, ERASED)
    library.tidy()
    for number in range(3):
        sender = "ann" if number else "bob"
        text = f"From: {sender}@example.org\nSubject: new {number}\n\ntext\n"
        place.deliver("work", f"2.{number}", text.encode())
    place.close()
    return set(place.files().values())


def work(library: MailLibrary) -> None:
    library.look()
    library.rules.save([*RULES, Rule("2", sender="zoe", flag=True)])
    inbox = [row.key for row in library.page(WORK, 0, 9).rows]
    change = library.archive(inbox[:2])
    library.mark(inbox, Flag.SEEN)
    library.undo(change.id)
    library.erase([row.key for row in library.page(TRASH, 0, 9).rows])
    library.add(SENT, ADDED, {Flag.SEEN}, base=NAME)
    library.rename_folder(OWN, "Other")
    library.undo(library.remove_folder(Folder("Other")).id)
    library.remove_folder(Folder("Other/inner"))
    library.tidy()


if __name__ == "__main__":
    work(Place(Path(sys.argv[1])).open())
