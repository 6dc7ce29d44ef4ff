"""A mailbox at another place: its journal goes along if the mail there is the mail that was collected, and only then."""

from __future__ import annotations

from pathlib import Path

from pillarbox.fetch.account import Account
from pillarbox.fetch.journal import Journal, Memory, Staged
from pillarbox.fetch.moving import Compared, carry, compare, leave
from pillarbox.fetch.run import journal_of
from tests.fetch.hostile.case import KEEP, Case
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import HostileServer
from tests.fetch.test_journal import note, stages, store

SAME, OTHER = {"same": True, "strange": False}, {"same": False, "strange": False}


def at(case: Case, server: HostileServer) -> Account:
    """The account, at another server."""
    endpoint = case.account.endpoint._replace(port=server.port)
    return case.account._replace(endpoint=endpoint)


async def compared(case: Case, *mails: Mail) -> Compared:
    async with HostileServer(mails) as there:
        before = journal_of(case.account, case.state)
        found = await compare(at(case, there), before, case.state)
        assert not [line for line in there.commands if line.startswith(("RETR", "DELE"))]
        return found


async def test_what_has_been_collected_does_not_come_again_from_the_new_place(
    server: HostileServer, tmp_path: Path
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run_until_done()
    async with HostileServer([*letters(3), letter(4)]) as there:
        new = at(case, there)
        before, journal = (journal_of(account, case.state) for account in (case.account, new))
        assert await compare(new, before, case.state) == Compared(1, **SAME)
        carry(before, journal)
        leave(before, journal)
        assert not list(case.state.glob(f"{before.name}*"))
        case.account, case.server = new, there
        await case.run_until_done()
        assert there.maildrop.retrieved == {"uid-4": 1}


async def test_only_mail_that_agrees_shows_that_the_mailbox_is_the_same(
    server: HostileServer, tmp_path: Path
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run_until_done()
    longer = [Mail(f"uid-{n}", letter(n, 9).content) for n in (1, 2, 3)]
    assert await compared(case) == Compared(0, **OTHER)
    assert await compared(case, letter(7)) == Compared(1, same=False, strange=True)
    assert await compared(case, *longer) == Compared(3, same=False, strange=True)
    # One of them has the size of ours by chance.
    assert await compared(case, letter(1), *longer[1:]) == Compared(3, same=False, strange=True)
    assert await compared(case, *letters(3), letter(7)) == Compared(1, **SAME)


async def test_a_welcome_of_the_same_size_makes_no_other_mailbox_the_same(tmp_path: Path) -> None:
    """Both servers count their mail from 1 on: what came as "2" would have been taken for the old one, and deleted."""
    first = [Mail(str(n), letter(n).content) for n in range(1, 6)]
    async with HostileServer(first) as server:
        case = Case(tmp_path, server, KEEP)
        await case.run_until_done()
        welcome = [Mail(str(n), letter(n + 3).content) for n in (1, 2)]
        assert await compared(case, welcome[0]) == Compared(1, **OTHER)
        assert await compared(case, *welcome) == Compared(2, **OTHER)
        assert await compared(case, *first) == Compared(0, **SAME)


async def test_nothing_is_strange_where_nothing_has_been_collected(
    server: HostileServer, tmp_path: Path
) -> None:
    """An account that was added as it is, with a slip in its server."""
    case = Case(tmp_path, server, KEEP)
    assert await compared(case, letter(1)) == Compared(1, **OTHER)
    Journal(journal_of(case.account, case.state)).close()
    assert await compared(case, letter(1)) == Compared(1, **OTHER)


async def test_a_mailbox_that_the_new_place_knows_better_keeps_its_journal(
    server: HostileServer, tmp_path: Path
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run_until_done()
    async with HostileServer([*letters(3), letter(4)]) as there:
        old, new = case.account, at(case, there)
        case.account, case.server = new, there
        case.maildir = tmp_path / "other"
        await case.run_until_done()
        before = journal_of(old, case.state)
        assert await compare(new, before, case.state) == Compared(0, **OTHER)


def test_a_journal_takes_over_all_but_what_was_learnt_of_the_server(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    with Journal(old) as journal:
        note(journal, "a", "b", "c")
        store(journal, "a")
        journal.publishing([Staged("b", 100, b"d" * 32, "token")], "maildir:/mail")
        journal.remember(Memory("SCRAM-SHA-256", True, "keep", 5.0))
        owner, known, unsettled = journal.owner, journal.known("abc"), journal.unsettled()
    with Journal(new) as journal:
        note(journal, "z")
    carry(old, new)
    with Journal(new) as journal:
        assert (journal.owner, journal.known("abc")) == (owner, known)
        assert journal.unsettled() == unsettled
        assert journal.memory == Memory(None, False, "keep", 5.0)
        assert stages(journal, "z") == [None]


def test_a_spool_goes_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    Journal(old).close()
    Journal(new).close()
    (tmp_path / "old.spool").mkdir()
    leave(old, new)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.db", "new.spool"]


async def test_a_message_that_is_listed_without_its_size_proves_nothing(
    server: HostileServer, tmp_path: Path
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run_until_done()
    async with HostileServer([letter(1)]) as there:
        there.instead["LIST"] = lambda _: b"+OK\r\n1 0\r\n.\r\n"
        before = journal_of(case.account, case.state)
        found = await compare(at(case, there), before, case.state)
        assert found == Compared(1, same=False, strange=True)
