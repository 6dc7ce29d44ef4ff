"""How messages end, and how a client is made to believe that they do."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import END, HostileServer, Said

BOTH = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
PIECES = pytest.mark.parametrize("piece", [0, 1, 3])
WAYS = pytest.mark.parametrize("capability", ["X-NOTHING", "PIPELINING"])


def retr(reply: bytes) -> bytes:
    return b"+OK %d octets\r\n" % len(reply) + reply


@BOTH
@PIECES
async def test_a_dot_with_lf_alone(
    tmp_path: Path, server: HostileServer, rules: Rules, piece: int
) -> None:
    server.piece = piece
    server.instead["RETR"] = lambda said: said.honest().removesuffix(END) + b".\n"
    case = Case(tmp_path, server, rules)
    await case.run()
    case.assert_done()


@BOTH
@PIECES
async def test_no_cr_anywhere(
    tmp_path: Path, server: HostileServer, rules: Rules, piece: int
) -> None:
    """The server sends files as they lie on its disk."""
    server.piece = piece
    server.instead["RETR"] = lambda said: said.honest().replace(b"\r", b"")
    case = Case(tmp_path, server, rules)
    await case.run()
    case.assert_done()


async def test_the_cr_comes_and_the_lf_late(tmp_path: Path, server: HostileServer) -> None:
    server.piece = 1
    case = Case(tmp_path, server)
    await case.run()
    case.assert_done()


@pytest.mark.parametrize(
    ("capability", "rules"),
    [
        ("PIPELINING", DELETE),
        ("X-NOTHING", KEEP),
        pytest.param("PIPELINING", KEEP, marks=pytest.mark.long),
        pytest.param("X-NOTHING", DELETE, marks=pytest.mark.long),
    ],
)
async def test_no_crlf_before_the_last_dot(
    tmp_path: Path, server: HostileServer, rules: Rules, capability: str
) -> None:
    """Exchange once did so. The message never seems to end; the others have to be served."""
    server.capabilities.append(capability)

    def rule(said: Said) -> bytes | None:
        if said.number != 2:
            return None
        return said.honest().removesuffix(b"\r\n" + END) + END

    server.instead["RETR"] = rule
    case = Case(tmp_path, server, rules, timeout=SOON)
    outcome = await case.run()
    assert outcome.totals.failed or outcome.error
    stored = case.stored()
    assert letter(1).content in stored
    assert letter(3).content in stored
    assert letter(2).content not in stored
    server.be_good()
    await case.run_until_done()
    case.assert_done()


# What follows behind the lone dot of a message that its server did not stuff.
TAILS = [
    b"and the rest\r\n",
    b"\r\n",
    b"+OK 100 octets\r\nit goes on\r\n",
    b"+OK\r\n",
    b"-ERR it says\r\n",
    b"+OK\r\n\r\n.\r\n+OK\r\n\r\n.\r\n+OK 3 300\r\n",
    b"+OK 3 171\r\n",
    b"+OK 3 171\r\n+OK bye\r\n",
    b"+OK 3 57\r\n",
    b"+OK 3 uid-9\r\n",
    b"+OK 9 uid-3\r\n",
    b"+OK 10 octets\r\nforged\r\n.\r\n+OK 10 octets\r\nforged\r\n.\r\n+OK 3 171\r\n+OK\r\n",
]


@pytest.mark.parametrize(
    ("tail", "place", "capability", "rules", "piece"),
    [
        pytest.param(
            tail, place, *way, marks=[pytest.mark.long] if (place + number + kind) % 4 else []
        )
        for number, tail in enumerate(TAILS)
        for place in (0, 1, 2)
        for kind, way in enumerate(
            itertools.product(("X-NOTHING", "PIPELINING"), (DELETE, KEEP), (0, 1))
        )
    ],
)
async def test_a_lone_dot_that_was_not_stuffed(
    tmp_path: Path, rules: Rules, capability: str, piece: int, place: int, tail: bytes
) -> None:
    """A message must not be stored cut short, nor what it says be taken for another one; and
    nothing is deleted in a session that is out of step. Each tail in each place; in the plain
    run two of the eight ways in which it comes.
    """
    mails = letters(3)
    head = b"Subject: dots\r\n\r\nup to here\r\n"
    mails[place] = Mail(mails[place].unique_id, head + b".\r\n" + tail)
    async with HostileServer(mails) as server:
        server.capabilities.append(capability)
        server.piece = piece
        server.instead["RETR"] = lambda said: retr(mails[said.number - 1].content + END)
        case = Case(tmp_path, server, rules)
        await case.run()
        stored = case.stored()
        assert all(mail.content in stored for n, mail in enumerate(mails) if n != place)
        assert mails[place] in server.maildrop.mails
        server.be_good()
        await case.run_until_done()
        case.assert_done()


@BOTH
@WAYS
async def test_a_lone_dot_among_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: Rules, capability: str
) -> None:
    """Nothing of a batch is stored before it is proved that no reply has slipped."""
    monkeypatch.setattr("pillarbox.fetch.collecting.BATCH_MESSAGES", 2)
    mails = letters(8)
    forged = b"+OK 7 octets\r\nforged\r\n.\r\n" * 4
    mails[2] = Mail("uid-3", b"Subject: dots\r\n\r\nhere\r\n.\r\n" + forged)
    async with HostileServer(mails) as server:
        server.capabilities.append(capability)
        server.instead["RETR"] = lambda said: retr(mails[said.number - 1].content + END)
        case = Case(tmp_path, server, rules)
        await case.run()
        assert mails[2] in server.maildrop.mails
        server.be_good()
        await case.run_until_done()
        case.assert_done()


@BOTH
@PIECES
async def test_very_long_lines(tmp_path: Path, rules: Rules, piece: int) -> None:
    size = 1_000_000 if not piece else 5_000
    mails = [
        Mail("a", b"Subject: long\r\n\r\n" + b"x" * size + b"\r\n"),
        Mail("b", b"Subject: " + b"y" * size + b"\r\n\r\n.\r\n..\r\n"),
        Mail("c", b"z" * size + b"\r\n"),
    ]
    async with HostileServer(mails) as server:
        server.piece = piece and 499
        case = Case(tmp_path, server, rules)
        await case.run()
        case.assert_done()


@BOTH
@PIECES
async def test_dots_of_all_kinds(tmp_path: Path, rules: Rules, piece: int) -> None:
    texts = [b".\r\n", b"..\r\n", b".a\r\n", b"a\r\n.\r\n.\r\n", b"\r\n.\r\n", b"a.\r\n", b"\r\n"]
    mails = [Mail(f"uid-{n}", b"Subject: %d\r\n\r\n" % n + text) for n, text in enumerate(texts)]
    async with HostileServer(mails) as server:
        server.piece = piece
        case = Case(tmp_path, server, rules)
        await case.run()
        case.assert_done()


async def test_a_message_of_no_octets(tmp_path: Path) -> None:
    async with HostileServer([letter(1), Mail("empty", b""), letter(3)]) as server:
        case = Case(tmp_path, server)
        await case.run()
        case.assert_done()
