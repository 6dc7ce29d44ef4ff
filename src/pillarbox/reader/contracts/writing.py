"""What is promised to who writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from pillarbox.reader.incoming import Received
from pillarbox.reader.model import (
    Contact,
    Draft,
    File,
    MessageKey,
)


class Drafts(Protocol):
    """What is being written. Blocking; from any thread; durable when a method returns."""

    def all(self) -> Sequence[Draft]:
        """Those that are not in the outbox, and in which somebody has typed; latest first."""
        ...

    @property
    def problem(self) -> str:
        """Why none can be read or begun, and what to do; whole sentences. Empty: they can."""
        ...

    def damaged(self) -> Sequence[Path]:
        """Folders of those that could not be read; they are left alone. A disk may be failing."""
        ...

    def find(self, draft_id: str) -> Draft:
        """Raises :class:`.errors.NoSuchDraft`."""
        ...

    def new(self, draft: Draft) -> Draft:
        """Keep a new one; its id and version are given here."""
        ...

    def save(self, draft: Draft) -> Draft:
        """All but the files.

        Raises:
            DraftChanged: *draft.version* is not the last one.
            LibraryUnusable: there is no room; or the outbox cannot be read, and may have it.
        """
        ...

    def attach(
        self,
        draft_id: str,
        name: str,
        media_type: str,
        content: Iterable[bytes] | Received,
        *,
        content_id: str = "",
    ) -> File:
        """*content*: in pieces, or a file that is emptied thereby. *content_id*: under which the quote shows it. Raises :class:`.errors.NotSendable` when it gets too large."""
        ...

    def detach(self, draft_id: str, file_id: str) -> None: ...

    def path(self, draft_id: str, file_id: str) -> Path:
        """The file's content."""
        ...

    def discard(self, draft_id: str) -> None:
        """It, and its files, are gone (also when they were before). For some days they can be brought back, unless
        the outbox has the message: it says so that it has left, or was discarded there.

        Raises:
            LibraryUnusable: it may be there still, and cannot be removed, or must not be.
        """
        ...

    def restore(self, draft_id: str) -> Draft:
        """Undo :meth:`discard`. Raises :class:`.errors.NoSuchDraft`: it was too long ago."""
        ...


class Contacts(Protocol):
    """Whom the user has entered or imported. Blocking; from any thread."""

    @property
    def problem(self) -> str:
        """Why they cannot be read or changed, and what to do; whole sentences. Empty: they can."""
        ...

    def all(self) -> Sequence[Contact]: ...

    def save(self, contact: Contact, *, seen: str = "") -> Contact:
        """A new one (without an id), or a changed one. *seen*: the mark of what its user has seen.

        Raises:
            ChangedElsewhere: it is another one by now, or gone.
        """
        ...

    def remove(self, contact_id: str, *, seen: str = "") -> None:
        """Raises :class:`.errors.ChangedElsewhere`: it is another one than *seen* by now."""
        ...

    def removed(self, contact_id: str) -> Contact | None:
        """What :meth:`restore` brings back; None: nothing."""
        ...

    def restore(self, contact_id: str) -> None:
        """Undo :meth:`remove`. One that is there is no trouble.

        Raises:
            TooLate: it was too long ago, or before the reader was started; or its address has been entered anew.
        """
        ...

    def import_vcards(self, data: bytes) -> int:
        """How many were taken in; those that were there already are not.

        Raises:
            NotSendable: *data* is no vCard file, or too large.
        """
        ...

    def complete(self, typed: str, count: int) -> Sequence[Contact]:
        """Whom *typed*, the last of the recipients in a field, may become: these first, then correspondents."""
        ...


class Writing(Protocol):
    """Making messages of drafts, and drafts of messages. Blocking; from any thread."""

    def reply(self, key: MessageKey, *, to_all: bool = False) -> Draft:
        """A new draft (kept) that answers a message, by the identity it was for."""
        ...

    def new(self, draft: Draft) -> Draft:
        """A new draft (kept) that begins with what *draft* holds, and the signature of its identity."""
        ...

    def forward(self, key: MessageKey, *, attached: bool = False) -> Draft:
        """A new draft (kept) with the message as a quote, and its files; *attached*: with the message as a file."""
        ...

    def again(self, key: MessageKey) -> Draft:
        """A new draft (kept) that is as the message was: its recipients, text (plain) and files, by whoever wrote it."""
        ...

    def save(self, draft: Draft) -> Draft:
        """As :meth:`Drafts.save`; under another account than before, its signature is replaced by that one's."""
        ...

    def doubts(self, draft_id: str) -> Sequence[str]:
        """What the user may have forgotten, each a question: to be asked before :meth:`send`. Raises what that does
        about recipients.
        """
        ...

    def send(self, draft_id: str) -> str:
        """Put the message into the outbox: its id there. The draft is not listed from then on, and goes when
        the message has left. Raises :class:`.errors.NotSendable` (:class:`.errors.WrongFields`),
        :class:`.errors.NoSuchDraft`.
        """
        ...

    def take_back(self, outgoing_id: str) -> Draft:
        """Out of the outbox, back to a draft. Raises :class:`.errors.TooLate`."""
        ...
