"""The folders as a tree, for the sidebar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pillarbox.reader.model import FIXED, INBOX, Folder, FolderState


@dataclass(slots=True)
class Branch:
    """A folder of the user's own, or a directory in which there are some."""

    path: Folder
    title: str
    state: FolderState | None = None
    """None: no mail can lie in it."""
    below: list[Branch] = field(default_factory=list)

    @property
    def unseen(self) -> int:
        """Its own, and of all that is below."""
        own = self.state.unseen if self.state else 0
        return own + sum(branch.unseen for branch in self.below)


def inboxes(states: Iterable[FolderState]) -> list[FolderState]:
    """One for each account."""
    return [state for state in states if state.folder.startswith(f"{INBOX}/")]


def fixed(states: Iterable[FolderState]) -> dict[Folder, FolderState]:
    """Sent, Archive, Trash."""
    return {state.folder: state for state in states if state.folder in FIXED}


def own(states: Iterable[FolderState]) -> list[Branch]:
    """The user's own folders, each in that which holds it, in the order of *states*."""
    top = Branch(Folder(""), "")
    branches = {Folder(""): top}
    for state in states:
        root = state.folder.split("/")[0]
        if root != INBOX and state.folder not in FIXED:
            _branch(state.folder, branches).state = state
    return top.below


def _branch(path: Folder, branches: dict[Folder, Branch]) -> Branch:
    """The one of *path*; made, with those above it, if there is none."""
    parts = path.split("/")
    branch = branches[Folder("")]
    for depth, title in enumerate(parts, 1):
        here = Folder("/".join(parts[:depth]))
        if here not in branches:
            branches[here] = Branch(here, title)
            branch.below.append(branches[here])
        branch = branches[here]
    return branch


FILTERS = {"inboxes": inboxes, "fixed_folders": fixed, "own_folders": own}
"""For templates."""
