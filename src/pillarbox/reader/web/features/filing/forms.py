"""What is typed and chosen on these pages."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request

from pillarbox.reader.contracts import Library
from pillarbox.reader.model import FIXED, INBOX, Folder, FolderState

Fields = dict[str, str]


async def fields_of(request: Request) -> Fields:
    """The texts of a form; of a field that is repeated, the last."""
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def is_own(folder: Folder) -> bool:
    """Whether it can be renamed and removed."""
    return folder not in FIXED and not folder.startswith(f"{INBOX}/")


def own(states: Iterable[FolderState]) -> list[FolderState]:
    """The user's."""
    return [state for state in states if is_own(state.folder)]


def choices(library: Library) -> list[Folder]:
    """Folders that mail can be put into, in the order of the sidebar."""
    return [state.folder for state in library.folders()]
