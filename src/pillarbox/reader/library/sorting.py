"""New mail in an inbox: rules are applied to it, once.

What lies in ``new`` of an inbox has not been looked at. One rename takes a message from there to ``cur``: of the inbox, or of the
folder that a rule says, with the flags that it says. So no crash makes a rule be applied twice, or not at all;
and a new index, which knows no message, does not have them applied again.

The collector has done its work when a message is in ``new``. If it died before it could note that, it finds
the file gone from ``tmp``, which only publishing takes it from; where it cannot rely on that, it looks in all folders
of the library (:mod:`pillarbox.fetch.destinations.maildir`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pillarbox.reader.errors import ReaderError
from pillarbox.reader.library.rules import fits
from pillarbox.reader.library.shelf import Shelf, batches
from pillarbox.reader.mail.summary import Summary, summarise
from pillarbox.reader.model import Entry, Flag, Folder, Rule

HEAD = 256 * 1024
"""Octets of a message that rules look at: a header of any sense is in it."""


def sort_new(shelf: Shelf, inboxes: Iterable[Folder]) -> set[Folder]:
    """Apply rules to what is new in *inboxes*; the folders in which there is something new.

    Raises:
        LibraryUnusable: a part of it may be sorted.
    """
    touched: set[Folder] = set()
    for inbox in inboxes:
        account = inbox.split("/")[1]

        def first(summary: Summary, account: str = account) -> Rule | None:
            return shelf.rules.first_that_fits(account, summary)

        with shelf.changing:
            for batch in batches(shelf.maildirs.arrived(inbox)):
                chosen = _chosen(shelf, batch, first) if shelf.rules.all() else {}
                done = shelf.maildirs.refile(batch, _by(shelf, chosen))
                touched |= {entry.folder for step in done if step for entry in step}
    return touched


def what_rule_does(
    shelf: Shelf, rule: Rule, entries: Iterable[Entry]
) -> tuple[list[Entry], Callable[[Entry], Entry]]:
    """Those of *entries* that *rule* fits, and what makes of each what it says."""
    chosen: dict[str, Rule] = {}
    matching: list[Entry] = []
    for batch in batches(entries):
        found = _chosen(shelf, batch, lambda summary: rule if fits(rule, summary) else None)
        matching += [entry for entry in batch if entry.base in found]
        chosen |= found
    return matching, _by(shelf, chosen)


def _chosen(
    shelf: Shelf, entries: Iterable[Entry], choose: Callable[[Summary], Rule | None]
) -> dict[str, Rule]:
    """The rule for each, by base name; others have none."""
    chosen: dict[str, Rule] = {}
    for entry in entries:
        try:
            rule = choose(summarise(shelf.maildirs.read(entry, HEAD)))
        except ReaderError:
            continue  # it is gone, or cannot be read: it stays where it is
        if rule is not None:
            chosen[entry.base] = rule
    return chosen


def _by(shelf: Shelf, chosen: dict[str, Rule]) -> Callable[[Entry], Entry]:
    """What the rules make of a message that is not new any more. A folder that is gone takes nothing."""
    targets = {rule.move_to for rule in chosen.values() if rule.move_to}
    there = {folder for folder in targets if shelf.tree.has(folder)}

    def done(entry: Entry) -> Entry:
        rule = chosen.get(entry.base)
        if rule is None:
            return replace(entry, new=False)
        flags = set(entry.flags)
        if rule.mark_seen:
            flags.add(Flag.SEEN)
        if rule.flag:
            flags.add(Flag.FLAGGED)
        folder = rule.move_to if rule.move_to in there else None
        return replace(entry, folder=folder or entry.folder, flags=frozenset(flags), new=False)

    return done
