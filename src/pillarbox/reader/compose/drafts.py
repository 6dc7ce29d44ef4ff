"""What is being written, on disk.

::

    drafts/ID/draft.json       all that was typed; replaced as a whole with each save
    drafts/ID/files/FILE       what is attached
    drafts/discarded/ID/…      thrown away, and kept for some days: a discard can be undone

A folder without ``draft.json``, and a file that no ``draft.json`` names, are what a crash has left of something that was
never promised: they are removed when the drafts are opened. Nobody else writes here: the library is locked.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import RLock

from pillarbox.durable import replace_file, sync_folder
from pillarbox.fetch.destinations.folders import make_folder
from pillarbox.reader.compose import draft_file
from pillarbox.reader.compose.attached import Room, write_file
from pillarbox.reader.compose.leftovers import forget_old, names_in
from pillarbox.reader.contracts import Clock, Outbox
from pillarbox.reader.errors import DraftChanged, LibraryUnusable, NoSuchDraft, ReaderError
from pillarbox.reader.incoming import Received
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import Draft, File
from pillarbox.reader.news import DraftSaved, DraftsChanged, Item

UNTOUCHED = 1
"""The version of a draft in which nobody has typed yet: who looks at an answer and goes away leaves nothing behind."""
UNTOUCHED_DAYS = 1
"""After so many it is discarded: a page may still be open."""
DISCARDED_DAYS = 7
"""For so long a discarded draft can be brought back."""
_GONE = "It was sent or discarded, here or in another tab."
_DISCARDED = "discarded"

_log = logging.getLogger(__name__)


class KeptDrafts:
    """Implements :class:`pillarbox.reader.contracts.Drafts`. Made by :func:`open_drafts`."""

    def __init__(
        self, folder: Path, outbox: Outbox, tell: Callable[[Item], None], clock: Clock
    ) -> None:
        self.lock = RLock()
        """Held while a draft is read and sent, so that nothing typed meanwhile goes missing."""
        self._folder, self._outbox, self._tell, self._clock = folder, outbox, tell, clock
        self._drafts: dict[str, Draft] = {}
        self._damaged: list[Path] = []
        self._perhaps_sent: frozenset[str] = frozenset()
        """Nobody knows whether the outbox has them: it cannot be read."""
        self.problem = ""
        """Why none can be read, and what to do: there are none, and none can be begun."""

    # Looking.

    def all(self) -> list[Draft]:
        """See the contract."""
        waiting = self._outbox.drafts()
        with self.lock:
            typed = [draft for draft in self._drafts.values() if draft.version > UNTOUCHED]
        shown = [draft for draft in typed if draft.id not in waiting]
        return sorted(shown, key=_age, reverse=True)

    def find(self, draft_id: str) -> Draft:
        """See the contract."""
        draft = self.kept(draft_id)
        if draft is None or draft_id in self._outbox.drafts():
            raise NoSuchDraft(f"This draft is not here any more. {_GONE}")
        return draft

    def damaged(self) -> list[Path]:
        """See the contract."""
        return [folder for folder in self._damaged if folder.exists()]

    def kept(self, draft_id: str) -> Draft | None:
        """One that is on disk, be it in the outbox or not."""
        with self.lock:
            return self._drafts.get(draft_id)

    # Changing.

    def new(self, draft: Draft) -> Draft:
        """See the contract."""
        made = replace(draft, id=secrets.token_hex(8), version=UNTOUCHED, files=())
        draft_file.check_length(made)
        folder = self._folder / made.id
        if self.problem:
            raise LibraryUnusable(self.problem)
        with self.lock:
            self._discard_untouched()
            with usable(self._folder):
                make_folder(folder / "files")
            return self._put(made)

    def save(self, draft: Draft) -> Draft:
        """See the contract."""
        draft_file.check_length(draft)
        with self.lock:
            last = self._to_change(draft.id)
            if _alike(draft, last) and draft.version < last.version:
                return (
                    last  # it was saved, and the page was not told so: the reader was killed, say
                )
            if draft.version != last.version:
                raise DraftChanged(
                    "This draft was changed in another tab since it was opened here. What is typed "
                    "here is not lost: copy what you need, then load the page again."
                )
            same = draft.message_id if _says_the_same(draft, last) else ""
            saved = self._put(
                replace(draft, version=last.version + 1, files=last.files, message_id=same)
            )
        if last.version == UNTOUCHED:
            self._tell(DraftsChanged())
        self._tell(DraftSaved(saved.id, saved.version))
        return saved

    def correct(self, draft: Draft) -> Draft:
        """Change one whatever its version, and though it waits in the outbox: nobody has it open."""
        with self.lock:
            last = self._drafts[draft.id]
            return self._put(replace(draft, version=last.version + 1, files=last.files))

    def attach(
        self,
        draft_id: str,
        name: str,
        media_type: str,
        content: Iterable[bytes] | Received,
        *,
        content_id: str = "",
    ) -> File:
        """See the contract."""
        draft = self._to_change(draft_id)
        with usable(self._folder):
            file = write_file(self._files(draft_id), name, media_type, content, Room(draft.files))
        file = replace(file, content_id=content_id)
        with self.lock:
            try:
                draft = self.find(draft_id)
                Room(draft.files).take(file.octets)  # others may have been attached meanwhile
                self._put(replace(draft, files=(*draft.files, file), message_id=""))
            except ReaderError:
                (self._files(draft_id) / file.id).unlink(missing_ok=True)
                raise
        return file

    def detach(self, draft_id: str, file_id: str) -> None:
        """See the contract."""
        with self.lock:
            draft = self._to_change(draft_id)
            left = tuple(file for file in draft.files if file.id != file_id)
            if left == draft.files:
                return
            self._put(replace(draft, files=left, message_id=""))
            with usable(self._folder):
                (self._files(draft_id) / file_id).unlink(missing_ok=True)

    def path(self, draft_id: str, file_id: str) -> Path:
        """See the contract."""
        draft = self.kept(draft_id)
        if draft is None or file_id not in {file.id for file in draft.files}:
            raise NoSuchDraft("This file is not attached any more.")
        return self._files(draft_id) / file_id

    def discard(self, draft_id: str) -> None:
        """See the contract. For :data:`DISCARDED_DAYS` it can be brought back; one that the outbox has is gone at once, be it
        readable or not: that is how it says that the message has left, and nobody shall send it again by accident.
        """
        if self.problem:
            raise LibraryUnusable(self.problem)
        with self.lock:
            has_left = draft_id in self._outbox.drafts()
            if draft_id not in self._drafts and not (
                has_left and self._folder / draft_id in self.damaged()
            ):
                return
            self._must_be_known(draft_id)
            with usable(self._folder):
                if has_left:
                    self._remove(draft_id)
                else:
                    self._put_away(draft_id)
            self._drafts.pop(draft_id, None)  # not before: what the disk refuses can be said again
        self._tell(DraftsChanged())

    def restore(self, draft_id: str) -> Draft:
        """Undo :meth:`discard`. Raises :class:`pillarbox.reader.errors.NoSuchDraft`."""
        with self.lock:
            if draft_id not in self._drafts:
                with usable(self._folder):
                    if draft_id not in names_in(self._folder / _DISCARDED):
                        raise NoSuchDraft(
                            "This draft was discarded too long ago to be brought back."
                        )
                    (self._folder / _DISCARDED / draft_id).rename(self._folder / draft_id)
                    sync_folder(self._folder)
                    self._load(self._folder / draft_id)
            draft = self.find(draft_id)
        self._tell(DraftsChanged())
        return draft

    def _to_change(self, draft_id: str) -> Draft:
        """As :meth:`find`. Raises LibraryUnusable: it may wait in the outbox, and leave as it was."""
        draft = self.find(draft_id)
        self._must_be_known(draft_id)
        return draft

    def _must_be_known(self, draft_id: str) -> None:
        if draft_id in self._perhaps_sent:
            raise LibraryUnusable(
                f"This draft may have been sent, and wait in the outbox: until that is known it cannot be changed. {self._outbox.problem}"
            )

    # On disk.

    def open(self) -> None:
        """Read what is there, and remove what a crash has left. What cannot be read, or removed, is said and left alone."""
        try:
            make_folder(self._folder / _DISCARDED)
            names = names_in(self._folder)
        except OSError as error:
            self.problem = (
                f"Your drafts cannot be read, and none can be begun: {error.filename or self._folder}: {error.strerror}. End "
                "Pillarbox, put that right, and start again."
            )
            _log.warning(self.problem)
            return
        for name in names:
            if name != _DISCARDED:
                try:
                    self._load(self._folder / name)
                except OSError as error:
                    self._drafts.pop(name, None)
                    self._set_aside(self._folder / name, f"It cannot be read: {error}.")
        if self._outbox.problem:
            self._perhaps_sent = frozenset(self._drafts)
        with suppress(LibraryUnusable, OSError):  # the disk is full, say: at the next start
            self._discard_untouched()
            forget_old(self._folder / _DISCARDED, self._clock(), DISCARDED_DAYS)

    def _discard_untouched(self) -> None:
        latest = self._clock() - timedelta(days=UNTOUCHED_DAYS)
        waiting = self._outbox.drafts() | self._perhaps_sent
        for draft in tuple(self._drafts.values()):
            old = draft.changed is not None and draft.changed < latest
            if draft.version == UNTOUCHED and old and draft.id not in waiting:
                self.discard(draft.id)

    def _load(self, folder: Path) -> None:
        try:
            draft = replace(
                draft_file.from_octets((folder / draft_file.NAME).read_bytes()), id=folder.name
            )
        except FileNotFoundError:
            shutil.rmtree(folder)
            return
        except draft_file.Damaged as error:
            self._set_aside(folder, str(error))
            return
        self._drafts[draft.id] = draft
        make_folder(folder / "files")
        for path in (folder / "files").iterdir():
            if path.name not in {file.id for file in draft.files}:
                path.unlink()

    def _set_aside(self, folder: Path, why: str) -> None:
        _log.warning("the draft in %s is left alone, and not listed: %s", folder, why)
        self._damaged.append(folder)

    def _put(self, draft: Draft) -> Draft:
        """Raises LibraryUnusable: it is as it was."""
        draft = replace(draft, changed=self._clock())
        with usable(self._folder):
            replace_file(self._folder / draft.id / draft_file.NAME, draft_file.to_octets(draft))
        self._drafts[draft.id] = draft
        return draft

    def _remove(self, draft_id: str) -> None:
        """For good; from the first step on it is no draft any more, whatever becomes of the rest."""
        (self._folder / draft_id / draft_file.NAME).unlink(missing_ok=True)
        sync_folder(self._folder / draft_id)
        shutil.rmtree(self._folder / draft_id)

    def _put_away(self, draft_id: str) -> None:
        now = self._clock()
        os.utime(self._folder / draft_id, (now.timestamp(), now.timestamp()))
        (self._folder / draft_id).rename(self._folder / _DISCARDED / draft_id)
        sync_folder(self._folder / _DISCARDED)
        sync_folder(self._folder)
        forget_old(self._folder / _DISCARDED, now, DISCARDED_DAYS)

    def _files(self, draft_id: str) -> Path:
        return self._folder / draft_id / "files"


def open_drafts(
    folder: Path, *, outbox: Outbox, tell: Callable[[Item], None], clock: Clock
) -> KeptDrafts:
    """The drafts in *folder*, which is made if need be. What is wrong with one draft keeps none of the others away; see
    :attr:`KeptDrafts.problem`.
    """
    drafts = KeptDrafts(folder, outbox, tell, clock)
    drafts.open()
    return drafts


def _alike(one: Draft, other: Draft) -> bool:
    """Whether the same was typed."""
    return replace(one, version=other.version, files=other.files, changed=other.changed) == other


def _says_the_same(one: Draft, other: Draft) -> bool:
    """To whoever reads it. A Message-ID names one version (RFC 5322, section 3.6.4): programs that know it do not show
    another one.
    """

    def words(draft: Draft) -> tuple[str, ...]:
        return draft.account, draft.sender, draft.subject, draft.text, draft.quoted

    return words(one) == words(other)


def _age(draft: Draft) -> tuple[float, str]:
    return (draft.changed.timestamp() if draft.changed else 0.0, draft.id)
