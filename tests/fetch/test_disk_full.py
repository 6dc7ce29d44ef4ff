"""The disk of the destination, or that of the journal, is full: a clear sentence, nothing half
stored, nothing deleted that is not there; and with room again, all goes on by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest

from pillarbox.fetch.destinations import Owner
from pillarbox.fetch.destinations.maildir import MaildirDestination
from pillarbox.fetch.errors import (
    DeliveryRefused,
    DestinationUnusable,
    FetchError,
    JournalUnusable,
)
from pillarbox.fetch.journal import Journal
from tests.fetch.minirun import BATCH, FolderMailbox, Run, main, stored_in
from tests.small_disk import filled, mounted

DISK = 2 * 1024 * 1024
MESSAGES = {
    f"id{number}": b"Subject: %d\r\n\r\n" % number + b"x" * 50_000 + b"\r\n" for number in range(8)
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", DISK) as folder:
        yield folder


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    folder = tmp_path / "mailbox"
    folder.mkdir()
    for name, content in MESSAGES.items():
        (folder / name).write_bytes(content)
    return folder


def check(target: str, mailbox: Path) -> None:
    found = Counter(stored_in(target))
    assert set(found.values()) <= {1}
    assert set(found) <= set(MESSAGES.values())
    left = {path.name for path in mailbox.iterdir()}
    assert all(found[text] for name, text in MESSAGES.items() if name not in left)


@pytest.mark.parametrize("kind", ["maildir", "mbox", "mh"])
@pytest.mark.parametrize("room", [0, 20_000, 60_000, 170_000, 230_000])
def test_the_disk_of_the_destination(
    disk: Path, tmp_path: Path, mailbox: Path, kind: str, room: int
) -> None:
    target, state = f"{kind}:{disk / 'mail'}", tmp_path / "state"
    with filled(disk, room):
        with pytest.raises(DestinationUnusable, match=r"[Nn]o space left.*make room") as error:
            main(state, mailbox, target)
        assert str(disk) in str(error.value)
        check(target, mailbox)
        with pytest.raises(DestinationUnusable):  # still full: and nothing grows worse
            main(state, mailbox, target)
        check(target, mailbox)
    main(state, mailbox, target)
    assert stored_in(target) == sorted(MESSAGES.values())
    assert list(mailbox.iterdir()) == []


def trouble_of(state: Path, mailbox: Path, target: str) -> str | None:
    """What a run says; None: it came through."""
    try:
        main(state, mailbox, target)
    except FetchError as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", ["maildir", "mbox", "mh"])
@pytest.mark.parametrize("room", [0, 8192, 60_000, 120_000, 200_000])
def test_the_disk_of_the_state(
    disk: Path, tmp_path: Path, mailbox: Path, kind: str, room: int
) -> None:
    target, state = f"{kind}:{tmp_path / 'mail'}", disk / "state"
    with filled(disk, room):
        said = trouble_of(state, mailbox, target)
        assert said is None or (str(disk) in said and "make room" in said)
        check(target, mailbox)
    main(state, mailbox, target)
    assert stored_in(target) == sorted(MESSAGES.values())
    assert list(mailbox.iterdir()) == []


class ThenFull(MaildirDestination):
    """A destination after whose ``publish`` there is no room on *disk* for the journal."""

    disk: ClassVar[Path]
    rest: ClassVar[ExitStack]

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        outcomes = super().publish(tokens)
        self.rest.enter_context(filled(self.disk))
        return outcomes


def test_it_fills_up_when_the_journal_is_about_to_say_stored(
    disk: Path, tmp_path: Path, mailbox: Path
) -> None:
    target, state = f"maildir:{tmp_path / 'mail'}", disk / "state"
    Journal(state / "alice.db").close()
    with ExitStack() as rest:
        ThenFull.disk, ThenFull.rest = disk, rest
        with Journal(state / "alice.db") as journal:
            owner = Owner(journal.owner, state / "spool", "alice")
            destination = ThenFull(tmp_path / "mail", owner)
            run = Run(journal, destination, target, FolderMailbox(mailbox))
            run.settle()
            with pytest.raises(JournalUnusable, match="make room"):
                run.collect()
        check(target, mailbox)
        assert len(stored_in(target)) == BATCH
    main(state, mailbox, target)
    assert stored_in(target) == sorted(MESSAGES.values())
