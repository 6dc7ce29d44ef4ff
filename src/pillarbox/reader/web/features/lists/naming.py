"""What a list is called, and what is said when there is nothing in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pillarbox.reader.model import INBOX, TRASH, Folder, FolderState, Page
from pillarbox.reader.web import words
from pillarbox.reader.web.features.lists.listing import Listing


@dataclass(frozen=True, slots=True)
class Name:
    """Of a list."""

    title: str
    about: str
    """How much there is."""


def name_of(listing: Listing, part: Page, folders: Sequence[FolderState]) -> Name:
    """The heading of a list, and the line below it."""
    if listing.folder is None:
        return Name("Search", _found(listing, part))
    states = [state for state in folders if listing.holds(state.folder)]
    total, unseen = sum(state.total for state in states), sum(state.unseen for state in states)
    about = words.count(total, "message") if total else ""
    if unseen:
        about += f", {words.number(unseen)} unread"
    return Name(title_of(listing.folder, folders), about)


def title_of(folder: Folder, folders: Sequence[FolderState]) -> str:
    """What *folder* is called in a heading."""
    if folder == INBOX:
        return "All inboxes"
    for state in folders:
        if state.folder == folder and state.account is not None:
            return state.title
    return words.place(folder)


def _found(listing: Listing, part: Page) -> str:
    if not listing.query:
        return "Type what you are looking for."
    if not part.total:
        return "Nothing found"
    much = words.count(part.total, "message")
    return f"More than {much}" if part.more else much


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands in the place of a list."""

    say: str
    more: str = ""
    wider: tuple[tuple[str, str], ...] = ()
    """Where else to look: URL, words."""


def empty_of(
    listing: Listing, folders: Sequence[FolderState], *, accounts: bool, reading: bool = False
) -> Empty:
    """For an empty list. *accounts*: there are any; *reading*: the mail is still being read in."""
    if reading:
        return Empty("", "This list fills as soon as that is done.")
    if listing.folder is None:
        return _no_hits(listing, folders)
    if not accounts and listing.folder == INBOX:
        return Empty(
            "There is no account yet.",
            "Pillarbox collects your mail once it knows an account.",
            (("/accounts/new", "Set up an account"),),
        )
    if listing.folder.split("/")[0] == INBOX:
        return Empty("Nothing waiting.")
    if listing.folder == TRASH:
        return Empty("Trash is empty.", "What you delete waits here, in case you want it back.")
    return Empty("No messages here.", "Move some here with the key m, or by dragging them.")


_NAMES_FOLDERS = re.compile(r"(?:^|\s)in:", re.IGNORECASE)


def _no_hits(listing: Listing, folders: Sequence[FolderState]) -> Empty:
    if not listing.query:
        return Empty("Search all of your mail.", "Names, addresses, words of the subject or text.")
    everywhere = (Listing.search(listing.query).url(), "Search everywhere")
    in_trash = (Listing.search(listing.query, TRASH).url(), "Search in Trash")
    if listing.within is None:
        more = "" if _NAMES_FOLDERS.search(listing.query) else "Trash was not searched."
        return Empty(f"Nothing has “{listing.query}”.", more, (in_trash,))
    where = title_of(listing.within, folders)
    wider = (everywhere,) if listing.within == TRASH else (everywhere, in_trash)
    return Empty(f"No message in {where} has “{listing.query}”.", "", wider)


HINTS = (
    ("from:ada", "of a sender"),
    ("to:bob", "to somebody"),
    ("subject:lunch", "in the subject"),
    ('"red bicycle"', "these words in this order"),
    ("-draft", "without a word"),
    ("has:attachment", "with a file"),
    ("is:unread", "also is:flagged, is:answered"),
    ("in:Archive", "in one folder"),
    ("before:2026-01-31", "also after:, on:"),
    ("newer:2w", "also older:, in days (d), weeks, months (m), years"),
    ("larger:5M", "by size"),
    ("filename:invoice", "by the name of a file"),
)
"""What a search understands, and what it finds."""
