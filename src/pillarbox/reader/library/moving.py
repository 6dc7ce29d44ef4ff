"""What the user does to messages and folders, and its undoing."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from pillarbox.reader.errors import BadFolderName, NoSuchFolder, ReaderError
from pillarbox.reader.library.maildirs import Refiled
from pillarbox.reader.library.memory import Done, back, is_back, new_id
from pillarbox.reader.library.names import key_of
from pillarbox.reader.library.shelf import Shelf, keys_of
from pillarbox.reader.library.sidebar import account_of
from pillarbox.reader.library.sorting import what_rule_does
from pillarbox.reader.library.tree import is_own
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import INBOX, TRASH, Change, Entry, Flag, Folder, MessageKey, Rule, Verb


def move(shelf: Shelf, keys: Collection[MessageKey], to: Folder, verb: Verb) -> Change:
    """To the folder *to*.

    Raises:
        NoSuchFolder: there is none.
    """
    shelf.tree.directory(to)
    with shelf.changing:
        steps = shelf.refile(shelf.entries(keys), _to(to), known=True)
    return _kept(shelf, steps, Change(new_id(), verb, keys_of(steps), to=to))


def mark(shelf: Shelf, keys: Collection[MessageKey], flag: Flag, *, on: bool) -> Change:
    """Give them *flag*, or take it from them; also if the index does not know them yet: the outbox marks what was answered
    only once.
    """

    def marked(entry: Entry) -> Entry:
        if (flag in entry.flags) is on:
            return entry
        return replace(entry, flags=entry.flags ^ {flag}, new=False)

    with shelf.changing:
        entries = shelf.entries(keys)
        unnoted = shelf.unnoted(set(keys) - {key_of(entry.base) for entry in entries})
        steps = shelf.refile(entries, marked, known=True) + shelf.refile(unnoted, marked)
    return _kept(shelf, steps, Change(new_id(), Verb.MARKED, keys_of(steps), flag=flag, on=on))


def undo(shelf: Shelf, change_id: str) -> Change | None:
    """See :meth:`pillarbox.reader.contracts.Library.undo`. What it does can be undone, too.

    Raises:
        LibraryUnusable: the disk refuses; it can be said again.
    """
    with shelf.changing:
        done = shelf.memory.take(change_id)
        if done is None:
            return None
        try:
            taken = _taken_back(shelf, done)
        except ReaderError:
            shelf.memory.keep(replace(done, tried=True))
            raise
    if not taken and not done.removed:
        return None
    folders = {step.after.folder for step in taken}
    to = folders.pop() if len(folders) == 1 and done.change.to else None
    change = replace(
        done.change,
        id=new_id(),
        keys=keys_of(taken),
        to=to,
        on=not done.change.on,
        left=len(done.steps) - len(taken),
    )
    return _kept(shelf, taken, change)


def _taken_back(shelf: Shelf, done: Done) -> tuple[Refiled, ...]:
    """Those of its messages that can be are where and as they were: see :func:`.memory.back`."""
    with usable(shelf.tree.root):
        for folder in done.removed:
            shelf.tree.make(folder)
    steps = [step for step in done.steps if shelf.tree.has(step.before.folder)]
    went = _went_back(shelf, steps) if done.tried else ()
    taken = shelf.refile([step.after for step in steps], back(steps))
    shelf.tell({*done.removed, *(entry.folder for step in went for entry in step)})
    return went + taken


def _went_back(shelf: Shelf, steps: Sequence[Refiled]) -> tuple[Refiled, ...]:
    """Those of *steps* that are taken back already."""
    now = shelf.maildirs.search([step.after for step in steps])
    there = ((step, now.get(step.after.base)) for step in steps)
    return tuple(
        Refiled(step.after, entry) for step, entry in there if entry and is_back(step, entry)
    )


def apply(shelf: Shelf, rule: Rule, folder: Folder) -> Change:
    """Do what *rule* says to what is in *folder*, or in the inboxes of its accounts.

    Raises:
        NoSuchFolder: it, or the rule's, does not exist.
    """
    if rule.move_to:
        shelf.tree.directory(rule.move_to)
    folders = [folder] if folder != INBOX else _inboxes(shelf, rule.accounts)
    entries = [entry for each in folders for entry in shelf.maildirs.scan(each)]
    matching, change = what_rule_does(shelf, rule, entries)
    steps = shelf.refile(matching, change)
    flag = Flag.SEEN if rule.mark_seen else Flag.FLAGGED
    verb, marks = (Verb.MOVED, None) if rule.move_to else (Verb.MARKED, flag)
    done = Change(new_id(), verb, keys_of(steps), to=rule.move_to, flag=marks)
    return _kept(shelf, steps, done)


def make_folder(shelf: Shelf, path: str) -> Folder:
    """Raises BadFolderName."""
    with shelf.changing:
        folder = shelf.tree.free_name(path)
        with usable(shelf.tree.root):
            shelf.tree.make(folder)
    shelf.tell([folder])
    return folder


def rename_folder(shelf: Shelf, folder: Folder, path: str) -> Folder:
    """With all folders in it. Rules that move to them follow.

    Raises:
        BadFolderName, NoSuchFolder: it keeps its name.
    """
    with shelf.changing:
        _check_own(shelf, folder)
        wanted = _name_of_before(shelf, path) or shelf.tree.free_name(path, folder)
        if wanted == folder:
            return folder
        pairs = [(old, Folder(wanted + old[len(folder) :])) for old in shelf.tree.below(folder)]
        with usable(shelf.tree.root):
            shelf.tree.rename(folder, wanted)
        for old, new in pairs:
            shelf.index.folder_renamed(old, new)
            shelf.memory.folder_renamed(old, new)
            shelf.rules.folder_renamed(old, new)
        if account_of(folder):
            shelf.memory.inboxes.add(folder)
    shelf.tell(name for pair in pairs for name in pair)
    return wanted


def remove_folder(shelf: Shelf, folder: Folder) -> Change:
    """Its messages, and those of folders in it, go to Trash.

    Raises:
        BadFolderName, NoSuchFolder: nothing is done.
    """
    with shelf.changing:
        _check_own(shelf, folder)
        folders = shelf.tree.below(folder)
        entries = [entry for each in folders for entry in shelf.maildirs.scan(each)]
        steps = shelf.refile(entries, _to(TRASH))
        with usable(shelf.tree.root):
            for each in reversed(folders):
                shelf.tree.remove(each)
    shelf.tell(folders)
    change = Change(new_id(), Verb.DELETED, keys_of(steps), to=TRASH)
    removed = tuple(each for each in folders if not shelf.tree.has(each))
    return shelf.memory.keep(Done(change, steps, removed))


def _inboxes(shelf: Shelf, accounts: Collection[str]) -> list[Folder]:
    """Of *accounts*; none: of all."""
    found = [(account_of(folder), folder) for folder in shelf.tree.folders()]
    return [folder for account, folder in found if account and account in (accounts or (account,))]


def _to(folder: Folder) -> Callable[[Entry], Entry]:
    def moved(entry: Entry) -> Entry:
        return entry if entry.folder == folder else replace(entry, folder=folder, new=False)

    return moved


def _check_own(shelf: Shelf, folder: Folder) -> None:
    if not shelf.tree.has(folder):
        raise NoSuchFolder(f"There is no folder {folder} any more.")
    if not is_own(folder, shelf.accounts()):
        raise BadFolderName(f"{folder} is always there: it cannot be renamed or removed.")


def _name_of_before(shelf: Shelf, path: str) -> Folder | None:
    """*path*, if an inbox without an account was called so, and nothing is now: a new name can be taken back."""
    folder = Folder(path)
    free = folder in shelf.memory.inboxes and not os.path.lexists(shelf.tree.root / folder)
    return folder if free and is_own(folder, shelf.accounts()) else None


def _kept(shelf: Shelf, steps: Sequence[Refiled], change: Change) -> Change:
    return shelf.memory.keep(Done(change, tuple(steps)))
