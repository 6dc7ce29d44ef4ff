"""Folders as the sidebar shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pillarbox.reader.library.names import folded
from pillarbox.reader.library.tree import is_own
from pillarbox.reader.model import FIXED, INBOX, Folder, FolderState

_INBOX_DEPTH = 2


def states(
    folders: Iterable[Folder],
    counts: Mapping[Folder, tuple[int, int]],
    accounts: Collection[str] | None = None,
) -> list[FolderState]:
    """Inboxes first, then the fixed ones in their order, then the user's own by name. *accounts*: as :func:`.tree.is_own`."""
    return [
        _state(each, *counts.get(each, (0, 0)), is_own(each, accounts))
        for each in sorted(folders, key=_place)
    ]


def account_of(folder: Folder) -> str | None:
    """Whose inbox it is."""
    parts = folder.split("/")
    return parts[1] if parts[0] == INBOX and len(parts) == _INBOX_DEPTH else None


def _state(folder: Folder, total: int, unseen: int, own: bool) -> FolderState:  # noqa: FBT001 -- a field
    title = folder.rpartition("/")[2]
    return FolderState(folder, title, total, unseen, account_of(folder), own)


def _place(folder: Folder) -> tuple[int, list[str]]:
    if account_of(folder):
        return 0, [folded(folder)]
    if folder in FIXED:
        return 1, [str(FIXED.index(folder))]
    return 2, [folded(part) for part in folder.split("/")]
