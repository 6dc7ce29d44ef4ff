"""A library against a model of it: whatever is done to messages, by it and beside it, each is in one place, whole.

The model knows what is in each folder. Another program moves, marks and removes files; the reader is restarted,
with its index and without; and after a look both know the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.names import entry_of, key_of
from pillarbox.reader.model import ARCHIVE, SENT, TRASH, Flag, Folder, MessageKey, inbox_of
from tests.reader.library.conftest import Place

WORK = inbox_of("work")
FOLDERS = [WORK, SENT, ARCHIVE, TRASH, Folder("Own"), Folder("Own/inner")]
FLAGS = [Flag.SEEN, Flag.FLAGGED, Flag.REPLIED]
folders = st.sampled_from(FOLDERS)
flags = st.sampled_from(FLAGS)


@dataclass
class Kept:
    """What the model knows of a message."""

    folder: Folder
    content: bytes
    flags: set[Flag] = field(default_factory=set)


class Machine(RuleBasedStateMachine):
    keys = Bundle("keys")
    changes = Bundle("changes")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.place = Place(self.folder / "library")
        self.model: dict[MessageKey, Kept] = {}
        self.before: dict[str, dict[MessageKey, tuple[Kept, Kept]]] = {}
        self.count = 0
        self.library: MailLibrary

    @initialize()
    def begin(self) -> None:
        self.library = self.place.open()
        self.library.folder_of("work")
        for folder in ("Own", "Own/inner"):
            self.library.make_folder(folder)

    def teardown(self) -> None:
        self.place.close()
        shutil.rmtree(self.folder)

    # What the user does.

    @rule(target=keys, folder=folders, marks=st.sets(flags))
    def add(self, folder: Folder, marks: set[Flag]) -> MessageKey:
        content = self._content()
        key = self.library.add(folder, content, marks)
        self.model[key] = Kept(folder, content, set(marks))
        return key

    @rule(target=changes, some=st.lists(keys, max_size=4), to=folders)
    def move(self, some: list[MessageKey], to: Folder) -> str:
        change = self.library.move(some, to)
        return self._changed(change.id, change.keys, some, lambda kept: setattr(kept, "folder", to))

    @rule(target=changes, some=st.lists(keys, max_size=4), flag=flags, on=st.booleans())
    def mark(self, some: list[MessageKey], flag: Flag, on: bool) -> str:
        change = self.library.mark(some, flag, on=on)
        return self._changed(
            change.id,
            change.keys,
            some,
            lambda kept: kept.flags.add(flag) if on else kept.flags.discard(flag),
        )

    @rule(change=consumes(changes))
    def undo(self, change: str) -> None:
        self.library.undo(change)
        for key, (before, after) in self.before.pop(change, {}).items():
            now = self.model.get(key)
            moved = before.folder != after.folder
            if now is None or (moved and now.folder != after.folder):
                continue
            flags = now.flags ^ ((before.flags ^ after.flags) - (now.flags ^ after.flags))
            folder = before.folder if moved else now.folder
            self.model[key] = Kept(folder, now.content, flags)

    @rule(some=st.lists(keys, max_size=4))
    def erase(self, some: list[MessageKey]) -> None:
        # Only what is known to be in Trash: what another program has put there since nobody has seen there.
        gone = {
            key
            for key in some
            if key in self.model
            and self.model[key].folder == self.library.find(key).folder == TRASH
        }
        assert self.library.erase(some) == len(gone)
        for key in gone:
            del self.model[key]

    # What others do, and what happens.

    @rule(target=keys, name=st.sampled_from(["new/{}", "cur/{}:2,", "cur/{}", "cur/{}:2,SF"]))
    def deliver(self, name: str) -> MessageKey:
        content = self._content()
        base = f"{self.count}.other"
        (self.place.mail / WORK / name.format(base)).write_bytes(content)
        self.model[key_of(base)] = Kept(WORK, content, set(map(Flag, name.partition(",")[2])))
        self.library.look()
        return key_of(base)

    @rule(key=keys, to=folders, marks=st.sets(flags), looked=st.booleans())
    def other_program_moves(
        self, key: MessageKey, to: Folder, marks: set[Flag], looked: bool
    ) -> None:
        path = self._path(key)
        if path is None:
            return
        base = path.name.partition(":")[0]
        letters = "".join(sorted(marks))
        path.rename(self.place.mail / to / "cur" / f"{base}:2,{letters}")
        self.model[key].folder, self.model[key].flags = to, set(marks)
        assert self.library.read(key) == self.model[key].content
        if looked:
            self.library.look()

    @rule(key=keys)
    def other_program_removes(self, key: MessageKey) -> None:
        path = self._path(key)
        if path is not None:
            path.unlink()
            del self.model[key]

    @rule(with_index=st.booleans())
    def restart(self, with_index: bool) -> None:
        self.library = self.place.open(with_index=with_index)
        self.before.clear()
        self.library.look()

    # What holds.

    @invariant()
    def each_message_is_in_one_place_and_whole(self) -> None:
        found = sorted(self.place.files().values())
        assert found == sorted(kept.content for kept in self.model.values())

    @rule()
    def after_a_look_all_is_known(self) -> None:
        self.library.look()
        for key, kept in self.model.items():
            row = self.library.find(key)
            assert (row.folder, set(row.flags)) == (kept.folder, kept.flags)
            assert self.library.read(key) == kept.content
        assert sum(state.total for state in self.library.folders()) == len(self.model)

    def _content(self) -> bytes:
        self.count += 1
        return b"Subject: %d\n\ntext\n" % self.count

    def _changed(
        self,
        change_id: str,
        told: Iterable[MessageKey],
        some: Iterable[MessageKey],
        do: Callable[[Kept], None],
    ) -> str:
        """Do it in the model; who was changed is who the library said."""
        steps = {}
        for key in set(some) & self.model.keys():
            kept = self.model[key]
            before = Kept(kept.folder, kept.content, set(kept.flags))
            do(kept)
            if kept != before:
                steps[key] = (before, Kept(kept.folder, kept.content, set(kept.flags)))
        assert set(told) == set(steps)
        self.before[change_id] = steps
        return change_id

    def _path(self, key: MessageKey) -> Path | None:
        for path in self.place.mail.rglob("*"):
            if path.is_file() and key_of(entry_of(WORK, path.name, new=False).base) == key:
                return path
        return None


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestMachine = Machine.TestCase
