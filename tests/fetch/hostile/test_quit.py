"""QUIT: where deletions come true, or do not, or nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.maildrop import letter
from tests.fetch.hostile.server import Cut, HostileServer, Rule, Said


def refuse_without_removing(_: Said) -> bytes:
    return b"-ERR [SYS/TEMP] some deleted messages not removed\r\n"


def remove_and_refuse(said: Said) -> bytes:
    said.honest()
    return b"-ERR some deleted messages not removed\r\n"


def remove_and_hang_up(said: Said) -> bytes:
    said.honest()
    raise Cut


def remove_and_say_half(said: Said) -> bytes:
    raise Cut(said.honest()[:2])


def remove_and_be_silent(said: Said) -> bytes:
    said.honest()
    return b""


def hang_up_without_removing(_: Said) -> bytes:
    raise Cut


def remove_one_and_refuse(said: Said) -> bytes:
    said.session.marked = {1}
    said.honest()
    return b"-ERR some deleted messages not removed\r\n"


ANSWERS = pytest.mark.parametrize(
    "answer",
    [
        refuse_without_removing,
        remove_and_refuse,
        remove_and_hang_up,
        remove_and_say_half,
        remove_and_be_silent,
        hang_up_without_removing,
        remove_one_and_refuse,
    ],
)


@ANSWERS
async def test_a_quit_that_does_not_confirm(
    tmp_path: Path, server: HostileServer, answer: Rule
) -> None:
    """DELE again, and never RETR again."""
    server.instead["QUIT"] = answer
    case = Case(tmp_path, server, timeout=SOON)
    outcome = await case.run()
    assert outcome.totals.deleted == 0
    case.assert_all_stored()
    server.be_good()
    await case.run_until_done()
    case.assert_done()
    assert set(server.maildrop.retrieved.values()) == {1}


@ANSWERS
async def test_a_quit_that_had_nothing_to_confirm(
    tmp_path: Path, server: HostileServer, answer: Rule
) -> None:
    server.instead["QUIT"] = answer
    case = Case(tmp_path, server, KEEP, timeout=SOON)
    await case.run()
    server.be_good()
    await case.run_until_done()
    case.assert_all_stored()
    assert set(server.maildrop.retrieved.values()) == {1}


async def test_ok_to_quit_and_nothing_is_removed(tmp_path: Path, server: HostileServer) -> None:
    """It lies. What it lists again is looked at again, and deleted again; never stored twice."""
    server.instead["QUIT"] = lambda _: b"+OK bye\r\n"
    case = Case(tmp_path, server)
    for _ in range(3):
        outcome = await case.run()
        assert outcome.error is None
        case.assert_all_stored()
    server.be_good()
    await case.run()
    case.assert_done()


async def test_one_dele_is_refused(tmp_path: Path, server: HostileServer) -> None:
    """The others go; this one is deleted the next time, without being retrieved again."""
    server.instead["DELE"] = lambda said: b"-ERR locked\r\n" if said.number == 2 else None
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    assert outcome.totals.deleted == 2
    assert outcome.totals.failed == 1
    assert server.maildrop.mails == [letter(2)]
    server.be_good()
    await case.run()
    case.assert_done()
    assert server.maildrop.retrieved["uid-2"] == 1


async def test_from_delete_to_keep_after_a_lost_quit(tmp_path: Path, server: HostileServer) -> None:
    """What the user wants now is to keep: no DELE is repeated."""
    server.instead["QUIT"] = hang_up_without_removing
    case = Case(tmp_path, server, DELETE)
    await case.run()
    server.be_good()
    case.rules(KEEP)
    await case.run_until_done()
    case.assert_done()


async def test_nothing_is_retrieved_again_when_sessions_die_while_deleting(
    tmp_path: Path, server: HostileServer
) -> None:
    server.instead["DELE"] = hang_up_without_removing
    case = Case(tmp_path, server)
    for _ in range(3):
        await case.run()
    server.be_good()
    await case.run_until_done()
    case.assert_done()
    assert set(server.maildrop.retrieved.values()) == {1}
