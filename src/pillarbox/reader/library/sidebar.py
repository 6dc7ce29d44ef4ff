"""Folders as the sidebar shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pillarbox.reader.library.names import folded
from pillarbox.reader.model import FIXED, INBOX, Folder, FolderState

_INBOX_DEPTH = 2


def states(
    folders: Iterable[Folder], counts: Mapping[Folder, tuple[int, int]]
) -> list[FolderState]:
    """Inboxes first, then the fixed ones in their order, then the user's own by name."""
    return [_state(each, *counts.get(each, (0, 0))) for each in sorted(folders, key=_place)]


def account_of(folder: Folder) -> str | None:
    """Whose inbox it is."""
    parts = folder.split("/")
    return parts[1] if parts[0] == INBOX and len(parts) == _INBOX_DEPTH else None


def _state(folder: Folder, total: int, unseen: int) -> FolderState:
    return FolderState(folder, folder.rpartition("/")[2], total, unseen, account_of(folder))


def _place(folder: Folder) -> tuple[int, list[str]]:
    if account_of(folder):
        return 0, [folded(folder)]
    if folder in FIXED:
        return 1, [str(FIXED.index(folder))]
    return 2, [folded(part) for part in folder.split("/")]
