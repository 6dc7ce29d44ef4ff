"""Unique-ids that are none: given twice, not given, too long, given again to other mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.client.errors import Refused, ServerTrouble
from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, Case
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import END, HostileServer

RULES = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])


def uidl(*lines: bytes) -> bytes:
    return b"+OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b".\r\n"


@RULES
async def test_one_id_for_two_messages_deletes_neither(
    tmp_path: Path, server: HostileServer, rules: Rules
) -> None:
    server.instead["UIDL"] = lambda _: uidl(b"1 same", b"2 same", b"3 other")
    case = Case(tmp_path, server, rules)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_all_stored()
    assert {mail.unique_id for mail in server.maildrop.removed} <= {"uid-3"}


async def test_an_id_that_was_doubled_and_is_single_the_next_day(tmp_path: Path) -> None:
    """The message that is left has been stored under an id of our own making."""
    async with HostileServer(letters(2)) as server:
        server.instead["UIDL"] = lambda _: uidl(b"1 same", b"2 same")
        case = Case(tmp_path, server, KEEP)
        await case.run()
        case.assert_all_stored()
        server.maildrop.hidden.add("uid-1")
        server.instead["UIDL"] = lambda _: uidl(b"1 same")
        await case.run()
        case.assert_all_stored()


@RULES
async def test_a_line_without_an_id(tmp_path: Path, server: HostileServer, rules: Rules) -> None:
    server.instead["UIDL"] = lambda said: said.honest().replace(b" uid-2", b"")
    case = Case(tmp_path, server, rules)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_all_stored()
    assert "uid-2" not in {mail.unique_id for mail in server.maildrop.removed}
    retrieved = server.maildrop.retrieved["uid-2"]
    await case.run()
    assert server.maildrop.retrieved["uid-2"] == retrieved


@RULES
async def test_an_id_that_is_missing_for_a_day(
    tmp_path: Path, server: HostileServer, rules: Rules
) -> None:
    """A message that is stored is not stored again, though today nobody says which it is."""
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.instead["UIDL"] = lambda _: uidl(b"1 uid-1", b"3 uid-3")
    case.rules(rules, confirmed=True)
    await case.run()
    case.assert_all_stored()
    server.be_good()
    await case.run()
    case.assert_done()


@RULES
async def test_an_id_that_is_there_only_the_next_day(
    tmp_path: Path, server: HostileServer, rules: Rules
) -> None:
    server.instead["UIDL"] = lambda _: uidl(b"1 uid-1", b"3 uid-3")
    case = Case(tmp_path, server, rules)
    await case.run()
    case.assert_all_stored()
    server.be_good()
    await case.run()
    await case.run()  # by an id that was learnt a moment ago, nothing is deleted yet
    case.assert_done()


async def test_two_lines_for_one_message(tmp_path: Path, server: HostileServer) -> None:
    """Which of the two ids is right, nobody knows: nothing is deleted by either."""
    server.instead["UIDL"] = lambda _: uidl(b"1 uid-1", b"2 uid-2", b"2 uid-9", b"3 uid-3")
    case = Case(tmp_path, server)
    await case.run()
    case.assert_all_stored()
    assert "uid-2" not in {mail.unique_id for mail in server.maildrop.removed}


@RULES
async def test_ids_longer_than_70(tmp_path: Path, rules: Rules) -> None:
    mails = [Mail(f"{number:x<200}", letter(number).content) for number in range(1, 4)]
    async with HostileServer(mails) as server:
        case = Case(tmp_path, server, rules)
        await case.run()
        case.assert_done()
        await case.assert_settled()


async def test_ids_longer_than_a_letter(tmp_path: Path) -> None:
    mails = [Mail(f"{number:x<5000}", letter(number).content) for number in range(1, 3)]
    async with HostileServer(mails) as server:
        case = Case(tmp_path, server)
        await case.run()
        case.assert_all_stored()
        assert server.maildrop.mails == mails
        await case.assert_settled()


@RULES
async def test_ids_with_odd_octets(tmp_path: Path, rules: Rules) -> None:
    mails = [Mail(name, letter(n).content) for n, name in enumerate(["é", "a b", "\x7f"], 1)]
    async with HostileServer(mails) as server:
        case = Case(tmp_path, server, rules)
        await case.run()
        case.assert_done()
        await case.assert_settled()


@RULES
async def test_several_spaces(tmp_path: Path, server: HostileServer, rules: Rules) -> None:
    server.instead["UIDL"] = lambda _: uidl(b"1  uid-1", b"  2   uid-2  ", b"3\tuid-3")
    server.instead["LIST"] = lambda _: uidl(b"1  80", b"  2   80  ", b"3\t80")
    case = Case(tmp_path, server, rules)
    await case.run()
    case.assert_done()
    server.be_good()
    await case.run()
    case.assert_done()


async def test_an_id_that_comes_to_new_mail(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    await case.run()
    server.maildrop.put(Mail("uid-1", letter(7).content))
    await case.run()
    case.assert_done()


async def test_an_id_that_comes_to_new_mail_of_the_same_size(tmp_path: Path) -> None:
    async with HostileServer([letter(1)]) as server:
        case = Case(tmp_path, server)
        await case.run()
        server.maildrop.put(Mail("uid-1", letter(2).content))
        await case.run()
        case.assert_done()


async def test_a_deleted_message_comes_back(tmp_path: Path, server: HostileServer) -> None:
    """The server had confirmed that it was gone, and it was not."""
    case = Case(tmp_path, server)
    await case.run()
    server.maildrop.mails += letters(3)
    await case.run()
    case.assert_done()


async def test_uidl_fails_though_announced(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.instead["UIDL"] = lambda _: b"-ERR [SYS/TEMP] index busy\r\n"
    outcome = await case.run()
    assert isinstance(outcome.error, ServerTrouble)
    server.be_good()
    await case.assert_settled()


async def test_uidl_fails_once_on_a_server_that_announces_nothing(
    tmp_path: Path, server: HostileServer
) -> None:
    """It has unique-ids, as we know from the last run: to go without would bring all mail again."""
    server.instead["CAPA"] = lambda _: b"-ERR\r\n"
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.instead["UIDL"] = lambda _: b"-ERR\r\n"
    outcome = await case.run()
    assert isinstance(outcome.error, Refused)
    del server.instead["UIDL"]
    await case.assert_settled()
    case.assert_all_stored()


@RULES
async def test_no_uidl_at_all(tmp_path: Path, server: HostileServer, rules: Rules) -> None:
    server.capabilities = ["USER", "TOP"]
    server.instead["UIDL"] = lambda _: b"-ERR unknown command\r\n"
    case = Case(tmp_path, server, rules)
    await case.run()
    case.assert_all_stored()
    assert server.maildrop.removed == []
    await case.assert_settled()


async def test_neither_uidl_nor_top(tmp_path: Path, server: HostileServer) -> None:
    """No message can be told from another: none is retrieved, and the user is told."""
    server.capabilities = ["USER"]
    server.instead["UIDL"] = server.instead["TOP"] = lambda _: b"-ERR unknown command\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.totals.failed == 3
    assert case.problems
    assert server.maildrop.retrieved.total() == 0
    assert server.maildrop.removed == []


async def test_top_is_cut_short(tmp_path: Path) -> None:
    """Some servers hand out 64 kB of a long header. The made id is the same each time."""
    mail = Mail("uid-1", b"X-Long: " + b"y" * 100_000 + b"\r\n\r\nbody\r\n")
    async with HostileServer([mail, letter(2)]) as server:
        server.capabilities = ["USER", "TOP"]
        server.instead["UIDL"] = lambda _: b"-ERR unknown command\r\n"
        server.instead["TOP"] = lambda said: said.honest().removesuffix(END)[:65536] + b"\r\n" + END
        case = Case(tmp_path, server, KEEP)
        await case.run()
        case.assert_all_stored()
        await case.assert_settled()


async def test_two_ok_to_top(tmp_path: Path, server: HostileServer) -> None:
    server.capabilities = ["USER", "TOP"]
    server.instead["UIDL"] = lambda _: b"-ERR unknown command\r\n"
    server.instead["TOP"] = lambda said: b"+OK\r\n" + said.honest()
    case = Case(tmp_path, server, KEEP)
    await case.run()
    case.assert_all_stored()
    await case.assert_settled()


async def test_top_fails_for_one_message(tmp_path: Path, server: HostileServer) -> None:
    """The others are served; this one is counted as failed, and left."""
    server.instead["UIDL"] = lambda _: uidl(b"1 uid-1", b"2", b"3 uid-3")
    server.instead["TOP"] = lambda _: b"-ERR no\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.totals.failed == 1
    assert [mail.unique_id for mail in server.maildrop.mails] == ["uid-2"]
    server.be_good()
    await case.run()
    case.assert_done()


async def test_an_id_that_looks_like_one_of_ours(tmp_path: Path) -> None:
    """Nothing is deleted by it, and nothing lost."""
    async with HostileServer([Mail("~" + "0" * 64, letter(1).content)]) as server:
        case = Case(tmp_path, server)
        await case.run()
        case.assert_all_stored()
        assert server.maildrop.removed == []
        await case.assert_settled()
