"""One message that makes trouble; the others are served."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, LONG, SOON, Case
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import Cut, HostileServer, Rule, Said

BOTH = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
WAYS = pytest.mark.parametrize("capability", ["X-NOTHING", "PIPELINING"])

INTERNAL = (
    b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
    b"From: Mail System Internal Data <MAILER-DAEMON@mail.example.org>\r\n"
    b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n"
    b"Message-ID: <1@mail.example.org>\r\n"
    b"X-IMAP: 0123456789 0000000042\r\n"
    b"Status: RO\r\n\r\n"
    b"This text is part of the internal format of your mail folder, and is not\r\n"
    b"a real message.\r\n"
)


def only(number: int, rule: Rule) -> Rule:
    return lambda said: rule(said) if said.number == number else None


def cut_in_the_middle(said: Said) -> bytes:
    reply = said.honest()
    raise Cut(reply[: len(reply) // 2])


def stop_in_the_middle(said: Said) -> bytes:
    reply = said.honest()
    return reply[: len(reply) // 2]


def cut_before_the_last_octet(said: Said) -> bytes:
    raise Cut(said.honest()[:-1])


def hang_up(said: Said) -> bytes:
    raise Cut


HANGS = {(1, "X-NOTHING", KEEP), (2, "PIPELINING", DELETE), (3, "PIPELINING", KEEP)}
"""Those of a server that hangs which the plain run waits for."""


@pytest.mark.parametrize(
    ("breaks", "number", "capability", "rules"),
    [
        pytest.param(
            breaks,
            *case,
            marks=[pytest.mark.long] if breaks is stop_in_the_middle and case not in HANGS else [],
        )
        for breaks in (cut_in_the_middle, cut_before_the_last_octet, stop_in_the_middle, hang_up)
        for case in itertools.product((1, 2, 3), ("X-NOTHING", "PIPELINING"), (DELETE, KEEP))
    ],
)
async def test_retr_of_one_always_breaks(
    tmp_path: Path,
    server: HostileServer,
    rules: Rules,
    capability: str,
    number: int,
    breaks: Rule,
) -> None:
    server.capabilities.append(capability)
    server.instead["RETR"] = only(number, breaks)
    patience = SOON if breaks is stop_in_the_middle else LONG
    case = Case(tmp_path, server, rules, timeout=patience)
    outcome = await case.run()
    assert outcome.totals.failed == 1
    assert outcome.totals.retrieved == 2
    assert letter(number) in server.maildrop.mails
    assert any(f"message {number}" in problem for problem in case.problems)
    assert len(server.sessions) <= 6
    server.be_good()
    await case.run_until_done()
    case.assert_done()


@BOTH
@WAYS
async def test_most_break(tmp_path: Path, rules: Rules, capability: str) -> None:
    """A run does not go on for ever at a server that breaks with nearly all of them."""
    async with HostileServer(letters(200)) as server:
        server.capabilities.append(capability)
        server.instead["RETR"] = lambda said: None if said.number == 150 else hang_up(said)
        case = Case(tmp_path, server, rules)
        outcome = await case.run()
        assert outcome.error is not None
        assert len(server.sessions) < 30


async def test_sessions_that_end_after_one_message(tmp_path: Path) -> None:
    """Each session brings one message, so it goes on; and when its sessions are used up, the run
    says that it was not done.
    """
    async with HostileServer(letters(120)) as server:

        def retr(said: Said) -> bytes | None:
            if "RETR" in " ".join(said.session.commands[:-1]):
                raise Cut
            return None

        server.instead["RETR"] = retr
        case = Case(tmp_path, server, KEEP)
        outcome = await case.run()
        assert outcome.totals.retrieved < 120
        assert outcome.error is not None
        outcome = await case.run()
        assert outcome.totals.retrieved > 0


@BOTH
@WAYS
@pytest.mark.parametrize("code", [b"", b"[SYS/TEMP] ", b"[SYS/PERM] ", b"[X-UNKNOWN] "])
async def test_retr_of_one_is_refused(
    tmp_path: Path, server: HostileServer, rules: Rules, capability: str, code: bytes
) -> None:
    server.capabilities.append(capability)
    server.instead["RETR"] = only(2, lambda _: b"-ERR " + code + b"cannot read it\r\n")
    case = Case(tmp_path, server, rules)
    outcome = await case.run()
    assert outcome.error is None
    assert outcome.totals.failed == 1
    assert outcome.totals.retrieved == 2
    assert letter(2) in server.maildrop.mails
    server.be_good()
    await case.run()
    case.assert_done()


@BOTH
@pytest.mark.parametrize("piece", [0, 1, 50])
async def test_a_folder_internal_message_is_no_mail(
    tmp_path: Path, rules: Rules, piece: int
) -> None:
    async with HostileServer([Mail("internal", INTERNAL), *letters(2)]) as server:
        server.piece = piece
        case = Case(tmp_path, server, rules)
        outcome = await case.run()
        assert outcome.error is None
        assert case.stored() == sorted(mail.content for mail in letters(2))
        assert "internal" in {mail.unique_id for mail in server.maildrop.mails}
        assert outcome.totals.retrieved == 2


async def test_mail_about_x_imap_is_mail(tmp_path: Path) -> None:
    """It needs both marks, in the header."""
    mails = [
        Mail("a", b"Subject: X-IMAP: what is it?\r\n\r\nX-IMAP: 1 2\r\n"),
        Mail("b", b"Subject: FOLDER INTERNAL DATA\r\n\r\nX-IMAP: 1 2\r\n"),
        Mail("c", b"X-IMAP: 1 2\r\nSubject: none\r\n\r\nSubject: FOLDER INTERNAL DATA\r\n"),
        Mail("d", b"Subject: fwd\r\n\r\n" + INTERNAL),
    ]
    async with HostileServer(mails) as server:
        case = Case(tmp_path, server)
        await case.run()
        case.assert_done()


def delete_what_is_read(server: HostileServer) -> None:
    def retr(said: Said) -> bytes:
        reply = said.honest()
        said.session.marked_by_reading.add(said.number)
        return reply

    def quit_(said: Said) -> None:
        said.session.marked |= said.session.marked_by_reading

    def rset(said: Said) -> None:
        said.session.marked_by_reading.clear()

    server.instead |= {"RETR": retr, "QUIT": quit_, "RSET": rset}


@BOTH
async def test_a_server_that_deletes_what_was_read(
    tmp_path: Path, server: HostileServer, rules: Rules
) -> None:
    """All is stored before QUIT, so nothing is lost."""
    delete_what_is_read(server)
    case = Case(tmp_path, server, rules)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_all_stored()


@BOTH
async def test_a_server_that_deletes_what_was_read_and_could_not_be_stored(
    tmp_path: Path, server: HostileServer, rules: Rules
) -> None:
    """QUIT would lose it: RSET first, which spares what was only read."""
    delete_what_is_read(server)
    case = Case(tmp_path, server, rules)
    case.deliver_by("""sh -c 'grep -q "letter 2" && exit 70; exit 0'""")
    outcome = await case.run()
    assert outcome.totals.failed == 1
    assert letter(2) in server.maildrop.mails
    assert (letter(1) in server.maildrop.mails) == (rules is KEEP)


async def test_a_destination_refuses_one(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    case.deliver_by("""sh -c 'grep -q "letter 2" && exit 70; exit 0'""")
    outcome = await case.run()
    assert outcome.error is None
    assert outcome.totals.failed == 1
    assert server.maildrop.mails == [letter(2)]


@BOTH
@WAYS
@pytest.mark.parametrize("sizes", [b"1 10\r\n2 10\r\n3 10\r\n", b"1\r\n2\r\n3\r\n"])
async def test_a_message_larger_than_it_was_said_to_be_is_left(
    tmp_path: Path, rules: Rules, capability: str, sizes: bytes
) -> None:
    """--max-size counts octets that come, where those that were listed are wrong or missing."""
    mails = [letter(1), letter(2, lines=40_000), letter(3)]
    async with HostileServer(mails) as server:
        server.capabilities.append(capability)
        server.instead["LIST"] = lambda said: (
            None if said.arguments else b"+OK\r\n" + sizes + b".\r\n"
        )
        case = Case(tmp_path, server, rules._replace(max_octets=10_000))
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.retrieved == 2
        assert case.stored() == sorted(mail.content for mail in (mails[0], mails[2]))
        assert mails[1] in server.maildrop.mails
        assert any("larger than the limit" in problem for problem in case.problems)
        server.be_good()
        case.rules(rules)
        await case.run_until_done()
        case.assert_all_stored()
