"""The smallest run that keeps the order of ``pillarbox.fetch``: for tests of its parts.

``python -m tests.fetch.minirun STATE MAILBOX TARGET`` collects and deletes what is in the
folder MAILBOX, a file a message, as a process of its own that can be killed.
"""

from __future__ import annotations

import hashlib
import mailbox
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pillarbox.fetch.destinations import Destination, Owner, Staging, parse_destination
from pillarbox.fetch.journal import Journal, Staged
from pillarbox.fetch.plan import Action, Decision, make_plan
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.stages import Known, Listed

BATCH = 3
DELETE = Rules(0)


class Mailbox(Protocol):
    """The server's side of a session."""

    def listing(self) -> list[Listed]: ...

    def retrieve(self, number: int) -> bytes: ...

    def quit(self, deleted: Sequence[int]) -> bool:
        """QUIT after DELE; whether it was confirmed."""
        ...


class FolderMailbox:
    """A mailbox that outlives the process: one file a message, named by unique-id."""

    def __init__(self, folder: Path) -> None:
        self._paths = sorted(folder.iterdir())

    def listing(self) -> list[Listed]:
        return [
            Listed(number, path.name, path.stat().st_size)
            for number, path in enumerate(self._paths, 1)
        ]

    def retrieve(self, number: int) -> bytes:
        return self._paths[number - 1].read_bytes()

    def quit(self, deleted: Sequence[int]) -> bool:
        for number in deleted:
            self._paths[number - 1].unlink()
        return True


def open_destination(target: str, journal: Journal, state: Path) -> Destination:
    return parse_destination(target).open(Owner(journal.owner, state / "spool", "alice"))


class Run:
    """One session."""

    def __init__(
        self, journal: Journal, destination: Destination, target: str, mailbox: Mailbox
    ) -> None:
        self._journal = journal
        self._destination = destination
        self._target = target
        self._mailbox = mailbox

    def settle(self) -> None:
        unsettled = self._journal.unsettled()
        self._destination.prepare([row.token for row in unsettled])
        for row in unsettled:
            if self._destination.settle(row.token):
                self._journal.stored([row.unique_id], 1.0)
            else:
                self._journal.not_stored([row.unique_id])

    def collect(self, rules: Rules = DELETE, now: float = 1.0) -> None:
        listed = self._mailbox.listing()
        names = [message.unique_id for message in listed]
        known = self._journal.known(names)
        self._journal.note_listing(listed, known, now)
        plan = make_plan(listed, self._journal.known(names), rules, now)
        doomed = [decision.message for decision in plan.delete]
        wanted = [*plan.retrieve, *plan.verify]
        for start in range(0, len(wanted), BATCH):
            doomed += self._batch(wanted[start : start + BATCH], known, rules, now)
        self._delete(doomed)

    def _batch(
        self, decisions: Sequence[Decision], known: dict[str, Known], rules: Rules, now: float
    ) -> list[Listed]:
        doomed, stagings, staged = [], [], []
        for message, action, _, then_delete in decisions:
            content = self._mailbox.retrieve(message.number)
            digest = hashlib.sha256(content).digest()
            if action is Action.VERIFY and digest == known[message.unique_id].digest:
                self._journal.confirmed([message])
                doomed += [message] if then_delete else []
                continue
            staging = self._destination.stage()
            staging.write(content)
            token = staging.finish()
            stagings.append(staging)
            staged.append(Staged(message.unique_id, message.octets, digest, token))
            doomed += [message] if rules.at_once else []
        self._store(stagings, staged, now)
        return doomed

    def _store(self, stagings: Sequence[Staging], staged: list[Staged], now: float) -> None:
        if staged:
            self._destination.sync(stagings)
            self._journal.publishing(staged, self._target)
            outcomes = self._destination.publish([message.token for message in staged])
            assert not any(outcomes)
            self._journal.stored([message.unique_id for message in staged], now)

    def _delete(self, messages: Sequence[Listed]) -> None:
        names = [message.unique_id for message in messages]
        self._journal.deleting(names)
        if self._mailbox.quit([message.number for message in messages]):
            self._journal.gone(names)


def stored_in(target: str) -> list[bytes]:
    """What another program (Python's mailbox module) finds at a destination, sorted; as the
    server had it, CRLF.
    """
    kind, _, place = target.partition(":")
    if not Path(place, "cur" if kind == "maildir" else "").exists():
        return []
    readers: dict[str, Any] = {
        "maildir": mailbox.Maildir,
        "mh": mailbox.MH,
        "mbox": mailbox.mbox,
    }
    found = readers[kind](place, None, create=False)
    texts = [found.get_bytes(key) for key in found.iterkeys()]
    found.close()
    return sorted(_as_sent(text, quoted=kind == "mbox") for text in texts)


def _as_sent(text: bytes, *, quoted: bool) -> bytes:
    lines = text.split(b"\n")
    if quoted:
        lines = [line[1:] if line.lstrip(b">").startswith(b"From ") else line for line in lines]
    return b"\r\n".join(lines)


def main(state: Path, folder: Path, target: str) -> None:
    with Journal(state / "alice.db") as journal:
        destination = open_destination(target, journal, state)
        run = Run(journal, destination, target, FolderMailbox(folder))
        run.settle()
        run.collect()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
