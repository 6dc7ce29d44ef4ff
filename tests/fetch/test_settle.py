"""The first thing a run does, also when the user has named another destination since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.fetch.destinations import Owner, parse_destination
from pillarbox.fetch.errors import DestinationUnusable
from pillarbox.fetch.journal import Journal, Staged
from pillarbox.fetch.settle import settle
from pillarbox.fetch.stages import Listed, Stage
from tests.fetch.minirun import stored_in

LETTERS = {f"id{number}": b"Subject: %d\r\n\r\n" % number for number in range(3)}
NOW = 5.0


class Account:
    """A journal whose last run died in the middle of publishing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "alice.db")
        self.owner = Owner(self.journal.owner, folder / "spool", "alice")

    def die(self, target: str) -> None:
        destination = parse_destination(target).open(self.owner)
        destination.prepare()
        stagings, staged = [], []
        for name, letter in LETTERS.items():
            staging = destination.stage()
            staging.write(letter)
            staged.append(Staged(name, 1, b"", staging.finish()))
            stagings.append(staging)
        destination.sync(stagings)
        listed = [Listed(number, name, 1) for number, name in enumerate(LETTERS, 1)]
        self.journal.note_listing(listed, {}, 1.0)
        self.journal.publishing(staged, target)
        destination.publish([staged[0].token])

    def stages(self) -> list[Stage]:
        known = self.journal.known(list(LETTERS))
        return [known[name].stage for name in LETTERS]

    def settle(self, target: str) -> None:
        settle(self.journal, parse_destination(target), self.owner, NOW).close()
        assert self.journal.unsettled() == []


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    account = Account(tmp_path)
    yield account
    account.journal.close()


@pytest.mark.parametrize("kind", ["maildir", "mbox", "mh"])
@pytest.mark.parametrize("now_to", ["maildir:{}/a", "mbox:{}/b", "command:true"])
def test_each_is_settled_where_it_was_staged(account: Account, kind: str, now_to: str) -> None:
    target = f"{kind}:{account.folder}/before"
    account.die(target)
    account.settle(now_to.format(account.folder))
    assert stored_in(target) == sorted(LETTERS.values())
    assert account.stages() == [Stage.STORED] * 3
    assert {row.stored_at for row in account.journal.known([]).values()} == {NOW}


def test_at_the_same_destination(account: Account) -> None:
    target = f"maildir:{account.folder}/mail"
    account.die(target)
    account.settle(target)
    assert stored_in(target) == sorted(LETTERS.values())
    assert account.stages() == [Stage.STORED] * 3


def test_a_command_is_believed_only_when_it_had_ended(account: Account) -> None:
    account.die("command:true")
    account.settle("command:true")
    assert account.stages() == [Stage.STORED, Stage.SEEN, Stage.SEEN]


def test_an_earlier_destination_that_is_out_of_reach(account: Account) -> None:
    account.die(f"maildir:{account.folder}/mail")
    (account.folder / "mail").rename(account.folder / "away")
    (account.folder / "mail").write_bytes(b"something else")
    account.settle(f"mbox:{account.folder}/mbox")
    assert account.stages() == [Stage.SEEN] * 3


def test_the_present_destination_is_out_of_reach(account: Account) -> None:
    target = f"maildir:{account.folder}/mail"
    account.die(target)
    (account.folder / "mail").rename(account.folder / "away")
    (account.folder / "mail").write_bytes(b"something else")
    with pytest.raises(DestinationUnusable):
        account.settle(target)
    assert account.stages() == [Stage.PUBLISHING] * 3
    (account.folder / "mail").unlink()
    (account.folder / "away").rename(account.folder / "mail")
    account.settle(target)
    assert stored_in(target) == sorted(LETTERS.values())
