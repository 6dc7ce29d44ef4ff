"""After whatever happens to mail, the index says what a naive model says; and so does one made anew."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import Correspondent, Entry, Flag, Folder
from tests.reader.library.index.mail import (
    ARCHIVE,
    ARRIVED,
    HOME,
    NOW,
    SENT,
    TRASH,
    WORK,
    entry,
    key_of,
    summary,
)

FOLDERS = (WORK, HOME, ARCHIVE, SENT, TRASH, Folder("Projects/2026"))
INBOXES = (WORK, HOME)
PEOPLE = tuple(Correspondent(name, f"{name.lower()}@example.org") for name in "ABCD")
WORDS = ("alpha", "beta", "gamma", "delta")

IDS = st.sampled_from([f"{number}@x" for number in range(12)])
STATES = st.builds(
    entry, st.just(""), st.sampled_from(FOLDERS), st.sampled_from(["", "S", "FS", "R"])
)
SUMMARIES = st.builds(
    summary,
    st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    days_ago=st.integers(0, 60),
    sender=st.sampled_from(PEOPLE),
    to=st.lists(st.sampled_from(PEOPLE), max_size=2).map(tuple),
    message_id=st.one_of(st.just(""), IDS),
    references=st.lists(IDS, max_size=3, unique=True).map(tuple),
    subject=st.sampled_from(["One", "Two"]),
    attachments=st.sampled_from([(), ("report.pdf",)]),
)


@dataclass
class Known:
    entry: Entry
    summary: Summary
    order: int

    @property
    def place_in_lists(self) -> tuple[float, int]:
        assert self.summary.date is not None
        return self.summary.date.timestamp(), self.order

    @property
    def copy_of(self) -> tuple[object, ...]:
        return self.summary.message_id, self.summary.sender.address, self.summary.date


class Naive:
    """What should be known, found out by looking at everything each time."""

    def __init__(self) -> None:
        self.messages: dict[str, Known] = {}
        self.links: list[set[str]] = []
        """Message-IDs, and base names, that belong together. Never forgotten while any message is there."""

    def put(self, entry: Entry, summary: Summary, order: int) -> None:
        self.messages[entry.base] = Known(entry, summary, order)
        names = {f"base {entry.base}", *summary.references, summary.message_id} - {""}
        for other in [one for one in self.links if one & names]:
            self.links.remove(other)
            names |= other
        self.links.append(names)

    def drop(self, bases: Collection[str]) -> None:
        for base in bases:
            del self.messages[base]
        # A thread without messages is forgotten, and all that it was known by.
        there = {f"base {one}" for one in self.messages}
        self.links = [one for one in self.links if one & there]

    def threads(self) -> list[list[Known]]:
        """Latest first."""
        found = []
        for link in self.links:
            mine = [known for base, known in self.messages.items() if f"base {base}" in link]
            found.append(sorted(mine, key=lambda one: one.place_in_lists, reverse=True))
        return found

    def page(self, folders: tuple[Folder, ...]) -> list[tuple[str, int, int]]:
        """Each thread's latest message, how many it has, and how many unseen."""
        heads = []
        for thread in self.threads():
            here = [known for known in thread if known.entry.folder in folders]
            if here:
                unseen = sum(Flag.SEEN not in known.entry.flags for known in here)
                heads.append((here[0], self.count(here), unseen))
        heads.sort(key=lambda head: head[0].place_in_lists, reverse=True)
        return [(key_of(known.entry.base), count, unseen) for known, count, unseen in heads]

    @staticmethod
    def count(here: list[Known]) -> int:
        """Of copies in both inboxes those count that are where the latest message is."""
        nearest = {each.copy_of for each in here if each.entry.folder == here[0].entry.folder}
        return sum(
            each.entry.folder == here[0].entry.folder
            or not each.summary.message_id
            or each.copy_of not in nearest
            for each in here
        )


class Comparison(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.index = SqliteIndex(Path(self.folder.name) / "index.db", key_of, lambda: NOW)
        self.naive = Naive()
        self.count = 0

    def teardown(self) -> None:
        self.index.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        assert self.index.made_anew

    @rule(arriving=st.lists(st.tuples(STATES, SUMMARIES), min_size=1, max_size=4))
    def put(self, arriving: list[tuple[Entry, Summary]]) -> None:
        # Mail of one date is listed in the order in which it came.
        batch = []
        for state, about in arriving:
            self.count += 1
            named = replace(state, base=f"{self.count}.M1P1.host")
            batch.append((named, about, ARRIVED))
            self.naive.put(named, about, self.count)
        keys = self.index.put(batch)
        assert keys == [key_of(named.base) for named, _, _ in batch]

    @precondition(lambda self: self.naive.messages)
    @rule(data=st.data(), folder=st.sampled_from(INBOXES))
    def put_a_copy(self, data: st.DataObject, folder: Folder) -> None:
        original = data.draw(st.sampled_from(sorted(self.naive.messages)))
        about = self.naive.messages[original].summary
        self.put([(entry("", folder), about)])

    @precondition(lambda self: self.naive.messages)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        gone = data.draw(st.sets(st.sampled_from(sorted(self.naive.messages)), max_size=3))
        self.index.drop([*(key_of(base) for base in gone), key_of("nobody")])
        self.naive.drop(gone)

    @precondition(lambda self: self.naive.messages)
    @rule(data=st.data())
    def place(self, data: st.DataObject) -> None:
        some = data.draw(st.sets(st.sampled_from(sorted(self.naive.messages)), max_size=3))
        moved = []
        for base in sorted(some):
            state = replace(data.draw(STATES), base=base)
            self.naive.messages[base].entry = state
            moved.append((key_of(base), state))
        self.index.place([*moved, (key_of("nobody"), entry("nobody"))])

    @rule(old=st.sampled_from(FOLDERS), new=st.sampled_from(FOLDERS))
    def rename(self, old: Folder, new: Folder) -> None:
        if SENT in {old, new} or old == new:
            return  # Sent is never renamed
        self.index.folder_renamed(old, new)
        for known in self.naive.messages.values():
            if known.entry.folder == old:
                known.entry = replace(known.entry, folder=new)

    @rule()
    def open_again(self) -> None:
        path = self.index.path
        self.index.close()
        self.index = SqliteIndex(path, key_of, lambda: NOW)
        assert not self.index.made_anew

    @invariant()
    def lists_are_the_same(self) -> None:
        for folders in [*((one,) for one in FOLDERS), INBOXES]:
            expected = self.naive.page(folders)
            page = self.index.page(folders, 0, 1000)
            found = [(row.key, row.in_thread, row.unseen_in_thread) for row in page.rows]
            assert found == expected
            assert page.total == len(expected)
            for first in range(0, len(expected), 2):
                part = self.index.page(folders, first, 2)
                assert [row.key for row in part.rows] == [key for key, _, _ in expected[first:][:2]]

    @invariant()
    def counts_are_the_same(self) -> None:
        counts: defaultdict[Folder, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for known in self.naive.messages.values():
            total, unseen = counts[known.entry.folder]
            counts[known.entry.folder] = total + 1, unseen + (Flag.SEEN not in known.entry.flags)
        assert self.index.counts() == counts

    @invariant()
    def places_are_the_same(self) -> None:
        for folder in FOLDERS:
            expected = {
                base: (key_of(base), known.entry)
                for base, known in self.naive.messages.items()
                if known.entry.folder == folder
            }
            assert self.index.entries(folder) == expected

    @invariant()
    def threads_are_the_same(self) -> None:
        for thread in self.naive.threads():
            for known in thread:
                expected = [
                    key_of(other.entry.base)
                    for other in reversed(thread)
                    if known.entry.folder == TRASH or other.entry.folder != TRASH
                ]
                rows = self.index.thread(key_of(known.entry.base))
                assert [row.key for row in rows] == expected

    @invariant()
    def searches_are_the_same(self) -> None:
        for word in WORDS[:2]:
            expected = sorted(
                (
                    known
                    for known in self.naive.messages.values()
                    if word in known.summary.text.split() and known.entry.folder != TRASH
                ),
                key=lambda one: one.place_in_lists,
                reverse=True,
            )
            page = self.index.search(f"{word} ", 0, 1000, within=())
            assert [row.key for row in page.rows] == [key_of(one.entry.base) for one in expected]
            assert (page.total, page.more) == (len(expected), False)

    @invariant()
    def people_are_the_same(self) -> None:
        written: defaultdict[str, int] = defaultdict(int)
        received: defaultdict[str, int] = defaultdict(int)
        for known in self.naive.messages.values():
            if known.entry.folder == SENT:
                for person in known.summary.to:
                    written[person.address] += 1
            else:
                received[known.summary.sender.address] += 1
        found = [contact.address for contact in self.index.correspondents("example", 100)]
        ranks = [(-(written[one] > 0), -written[one] - received[one]) for one in found]
        assert set(found) == written.keys() | received.keys()
        assert ranks == sorted(ranks)


@pytest.mark.parametrize("orders", [20, pytest.param(300, marks=pytest.mark.long)])
def test_any_order_of_events(orders: int) -> None:
    run_state_machine_as_test(
        Comparison, settings=settings(max_examples=orders, stateful_step_count=25, deadline=None)
    )
