"""What is always there: Sent, Archive, Trash, and the inboxes of accounts."""

from __future__ import annotations

from collections.abc import Iterable

from pillarbox.durable import replace_file
from pillarbox.fetch.destinations.folders import TOGETHER
from pillarbox.reader.errors import BadFolderName
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import FIXED, Folder, inbox_of


def make_fixed(tree: Tree) -> None:
    """At the start; and the mark that tells the collector where to look for mail that has been moved.

    Raises:
        BadFolderName: something else is in the place of one.
        OSError: it cannot be made.
    """
    for folder in FIXED:
        tree.make(folder)
    mark = tree.root / TOGETHER
    if not mark.exists():
        replace_file(mark, b"These folders are one library of mail: see pillarbox read.\n")


def make_again(tree: Tree, accounts: Iterable[str]) -> list[Folder]:
    """Those that another program has removed meanwhile. None where the mark is missing, too: then the whole library is away, as
    of a disk that is not mounted.

    Raises:
        OSError: one cannot be made.
    """
    wanted = [*FIXED, *(inbox_of(account) for account in accounts if is_account_name(account))]
    missing = [folder for folder in wanted if not tree.has(folder)]
    if not missing or not (tree.root / TOGETHER).exists():
        return []
    return [folder for folder in missing if _made(tree, folder)]


def is_account_name(account: str) -> bool:
    """Whether an inbox can be called so."""
    return bool(account) and not account.startswith(".") and not set(account) & {"/", "\0"}


def _made(tree: Tree, folder: Folder) -> bool:
    try:
        tree.make(folder)
    except BadFolderName:  # another program has put something else there: the next start says so
        return False
    return True
