"""What was done lately, so that it can be taken back. Ends with the program."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pillarbox.reader.library.maildirs import Refiled
from pillarbox.reader.model import Change, Entry, Folder

MAX_CHANGES = 100
"""So many can be taken back: more than anybody remembers."""
MAX_MESSAGES = 20_000
"""Of all of them together: some 20 MB. The last change is kept, however large."""
_ID_OCTETS = 9


@dataclass(frozen=True, slots=True)
class Done:
    """A change, and what it did to each message."""

    change: Change
    steps: tuple[Refiled, ...]
    removed: tuple[Folder, ...] = ()
    """Folders that it took away."""
    tried: bool = False
    """Taking it back has failed; a part of it may be taken back."""


class Memory:
    """Of changes, the latest first to be forgotten last. From any thread."""

    def __init__(self) -> None:
        self._done: OrderedDict[str, Done] = OrderedDict()
        self.inboxes: set[Folder] = set()
        """Names of inboxes without an account that were given others: by these only can one be called so again."""
        self._lock = threading.Lock()

    def keep(self, done: Done) -> Change:
        """Returns its change."""
        with self._lock:
            self._done[done.change.id] = done
            while len(self._done) > 1 and self._is_too_much():
                self._done.popitem(last=False)
        return done.change

    def take(self, change_id: str) -> Done | None:
        """Out of it; None: it has been forgotten, or never was."""
        with self._lock:
            return self._done.pop(change_id, None)

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        """Messages go back to what it is called now."""

        def renamed(entry: Entry) -> Entry:
            return replace(entry, folder=new) if entry.folder == old else entry

        with self._lock:
            for change_id, done in self._done.items():
                steps = tuple(Refiled(*map(renamed, step)) for step in done.steps)
                self._done[change_id] = replace(done, steps=steps)

    def _is_too_much(self) -> bool:
        messages = sum(len(done.steps) for done in self._done.values())
        return len(self._done) > MAX_CHANGES or messages > MAX_MESSAGES


def new_id() -> str:
    """For a change; in a URL."""
    return secrets.token_urlsafe(_ID_OCTETS)


def back(steps: Sequence[Refiled]) -> Callable[[Entry], Entry]:
    """What takes *steps* back. A message that has been moved goes back from where it was moved to, with the flags that
    it has now; flags that were changed are as they were, unless they have been changed since.
    """
    by_base = {step.after.base: step for step in steps}

    def undone(entry: Entry) -> Entry:
        step = by_base.get(entry.base)
        if step is None:
            return entry
        before, after = step
        if entry == after:
            # Its base name stays: that it has now, if another one had its own.
            return replace(before, base=entry.base)
        moved = before.folder != after.folder
        if moved and entry.folder != after.folder:
            return entry
        flags = (before.flags ^ after.flags) - (entry.flags ^ after.flags)
        if not moved and not flags:
            return entry
        folder = before.folder if moved else entry.folder
        return replace(entry, folder=folder, flags=entry.flags ^ flags, new=False)

    return undone


def is_back(step: Refiled, now: Entry) -> bool:
    """Whether *step* has been taken back, with the message as it is *now*."""
    before, after = step
    if before.folder != after.folder:
        return now.folder == before.folder
    return not (before.flags ^ after.flags) & (before.flags ^ now.flags)
