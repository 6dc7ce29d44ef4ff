"""A state machine: a server that lies, runs that die between any two steps, rules that change.

At every moment: nothing is at the destination twice or in part, and nothing has been deleted
on the server that is not there. And in the end, after a run that nothing disturbs:
everything is there exactly once.

Here a run dies between two calls of the journal, the destination or the server;
``test_crash.py`` kills it within them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pillarbox.fetch.destinations.staging import FileStaging
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.rules import DAY, Rules
from pillarbox.fetch.stages import Listed
from tests.fetch.descriptors import open_below
from tests.fetch.memory import in_memory
from tests.fetch.minirun import Run, open_destination, stored_in

CONFIRMED, LOST, UNDONE = "confirmed", "done, but the reply is lost", "not done, and no reply"
QUITS = (CONFIRMED, LOST, UNDONE)


class Died(BaseException):
    """The run has been killed."""


class Fuse:
    """Counts the steps of a run, and ends it at the one that was set."""

    def __init__(self, steps: int | None) -> None:
        self._left = steps

    def step(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise Died


class Fragile:
    """Stands for *thing*; each call is a step before and a step after it."""

    def __init__(self, thing: Any, fuse: Fuse) -> None:
        self._thing = thing
        self._fuse = fuse
        self.staged: list[FileStaging] = []
        """What it has staged: the kernel closes the files of a process that dies."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._thing, name)

        def call(*arguments: Any) -> Any:
            self._fuse.step()
            result = method(*arguments)
            if isinstance(result, FileStaging):
                self.staged.append(result)
            self._fuse.step()
            return result

        return call


class Server:
    """A mailbox. Its sessions list what they are told to, and QUIT as they are told to."""

    def __init__(self) -> None:
        self.letters: dict[str, bytes] = {}
        self.hidden: set[str] = set()
        self.quits = CONFIRMED
        self.has_been_quit = False
        self._session: list[str] = []

    def listing(self) -> list[Listed]:
        self._session = [name for name in self.letters if name not in self.hidden]
        return [
            Listed(number, name, len(self.letters[name]))
            for number, name in enumerate(self._session, 1)
        ]

    def retrieve(self, number: int) -> bytes:
        return self.letters[self._session[number - 1]]

    def quit(self, deleted: Sequence[int]) -> bool:
        self.has_been_quit = True
        if self.quits != UNDONE:
            for number in deleted:
                del self.letters[self._session[number - 1]]
        return self.quits == CONFIRMED


class Collecting(RuleBasedStateMachine):
    kind = ""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(dir=in_memory())
        self.folder = Path(self._folder.name)
        self.target = f"{self.kind}:{self.folder / 'mail'}"
        self.server = Server()
        self.arrived: list[bytes] = []
        self.names = 0
        self.now = 0.0

    @rule(old_name=st.none() | st.integers(0, 5))
    def mail_arrives(self, old_name: int | None) -> None:
        """Perhaps under a unique-id that has been used before."""
        if old_name is None or old_name >= self.names or f"id{old_name}" in self.server.letters:
            old_name, self.names = self.names, self.names + 1
        content = b"A: b\r\n\r\n" + b"x" * len(self.arrived) + b"\r\n"
        self.arrived.append(content)
        self.server.letters[f"id{old_name}"] = content

    @rule(
        rules=st.sampled_from([Rules(0), Rules(0), Rules(None), Rules(2)]),
        dies_after=st.none() | st.integers(0, 40),
        hidden=st.sets(st.integers(0, 5).map("id{}".format), max_size=3),
        quits=st.sampled_from(QUITS),
    )
    def a_run(self, rules: Rules, dies_after: int | None, hidden: set[str], quits: str) -> None:
        self.run(rules, dies_after, hidden, quits)

    def run(self, rules: Rules, dies_after: int | None, hidden: set[str], quits: str) -> bool:
        """Whether it came to its end."""
        self.server.hidden, self.server.quits = hidden, quits
        fuse = Fuse(dies_after)
        with Journal(self.folder / "alice.db") as journal:
            destination = open_destination(self.target, journal, self.folder)
            parts: list[Any] = [
                Fragile(thing, fuse) for thing in (journal, destination, self.server)
            ]
            run = Run(parts[0], parts[1], self.target, parts[2])
            try:
                run.settle()
                run.collect(rules, self.now)
            except Died:
                return False
            finally:
                for staging in parts[1].staged:
                    staging.close()
        return True

    @rule(hours=st.integers(1, 24))
    def time_passes(self, hours: int) -> None:
        self.now += hours / 24 * DAY

    @invariant()
    def nothing_is_lost_and_nothing_comes_twice(self) -> None:
        found = Counter(stored_in(self.target))
        assert set(found.values()) <= {1}
        assert set(found) <= set(self.arrived)
        on_server = set(self.server.letters.values())
        assert set(self.arrived) - on_server <= set(found)

    def teardown(self) -> None:
        try:
            for _ in range(2):  # the second deletes what the first has found to be new
                self.a_run(Rules(0), None, set(), CONFIRMED)
            assert stored_in(self.target) == sorted(self.arrived)
            assert self.server.letters == {}
            assert open_below(self.folder) == []
        finally:
            self._folder.cleanup()


class IntoMaildir(Collecting):
    kind = "maildir"


class IntoMbox(Collecting):
    kind = "mbox"


class IntoMh(Collecting):
    kind = "mh"


_SETTINGS = settings(max_examples=30, stateful_step_count=25, deadline=None)
for _machine in (IntoMaildir, IntoMbox, IntoMh):
    _machine.TestCase.settings = _SETTINGS

TestIntoMaildir = IntoMaildir.TestCase
TestIntoMbox = IntoMbox.TestCase
TestIntoMh = IntoMh.TestCase


@pytest.mark.parametrize("kind", ["maildir", "mbox", "mh"])
def test_dying_at_each_step_of_a_run(kind: str) -> None:
    """Not left to chance: each step, and with each way of QUIT where that was said."""
    for step in count():
        for quits in QUITS:
            machine = {"maildir": IntoMaildir, "mbox": IntoMbox, "mh": IntoMh}[kind]()
            for _ in range(4):
                machine.mail_arrives(None)
            at_its_end = machine.run(Rules(0), step, set(), quits)
            was_quit = machine.server.has_been_quit
            machine.nothing_is_lost_and_nothing_comes_twice()
            machine.teardown()
            if not was_quit:
                break
        if at_its_end:
            assert was_quit
            return
