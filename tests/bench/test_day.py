"""A provider's day: the same for every server, and an account of every letter."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Sequence

import pytest
from bench.accounting import FamilyAccount
from bench.day.ledger import Ledger
from bench.day.plan import Letter, Plan, Poll, make_plan, number_in
from bench.day.provider import Provider
from bench.peers.contract import Mail, Peer

from tests.bench.liar import liar


def test_a_plan_follows_from_its_seed() -> None:
    assert make_plan(50, 200, 60) == make_plan(50, 200, 60)
    assert make_plan(50, 200, 60) != make_plan(50, 200, 60, seed=2)


def test_a_plan_has_what_was_asked_for() -> None:
    plan = make_plan(50, 200, 60)
    assert len(plan.users) == len(set(plan.users)) == 50
    assert sum(isinstance(event, Poll) for event in plan.day) == 200
    assert sorted(plan.letters) == list(range(60))
    assert len(plan.night) == 20
    assert {user for letter in plan.letters.values() for user in letter.users} <= set(plan.users)


def test_few_poll_often_and_most_seldom() -> None:
    polls = Counter(event.user for event in make_plan(100, 5000, 0).day if isinstance(event, Poll))
    counts = sorted(polls.values(), reverse=True)
    assert sum(counts[:10]) > 5000 / 4
    assert counts[0] > 5 * counts[-1]


def test_a_client_uses_tls_always_or_never() -> None:
    plan = make_plan(50, 2000, 0)
    ways = {(event.user, event.tls) for event in plan.day if isinstance(event, Poll)}
    assert len(ways) == len({user for user, _ in ways})
    assert {tls for _, tls in ways} == {False, True}


def test_every_letter_is_another_one_and_known_by_its_number() -> None:
    letters = make_plan(50, 0, 60).letters
    assert len({letter.text() for letter in letters.values()}) == 60
    for number, letter in letters.items():
        text = letter.text()
        assert number_in(b"Received: by a server\r\n" + text) == number
        assert text.endswith(b"\r\n")
        assert b"\n." not in text  # sent as it is, in both directions
        assert letter.octets <= len(text) <= letter.octets + 400


def test_a_message_of_another_day_is_no_letter() -> None:
    with pytest.raises(AssertionError):
        number_in(b"Subject: hello\r\n\r\n")


@pytest.fixture
def ledger() -> Ledger:
    """Letter 1 is alice's, 2 is bob's; the server has taken both."""
    ledger = Ledger()
    for number, user in ((1, "alice"), (2, "bob")):
        ledger.sent(number, [user])
        ledger.taken(number, [user])
    return ledger


def test_a_day_is_settled_when_all_is_collected(ledger: Ledger) -> None:
    assert sorted(ledger.waiting()) == ["alice", "bob"]
    ledger.collected("alice", [1], ledger.due("alice"))
    ledger.collected("bob", [2], ledger.due("bob"))
    assert ledger.waiting() == []
    assert ledger.all_collected() == 2


def test_mail_that_is_left_is_told(ledger: Ledger) -> None:
    ledger.collected("alice", [1], ledger.due("alice"))
    with pytest.raises(AssertionError, match=r"bob .* \[2\]"):
        ledger.all_collected()


@pytest.mark.parametrize(
    ("numbers", "told"),
    [([2], "others"), ([1, 1], "twice"), ([], "does not see"), ([1, 2], "others")],
)
def test_a_session_that_sees_the_wrong_mail_is_told(
    ledger: Ledger, numbers: list[int], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        ledger.collected("alice", numbers, ledger.due("alice"))


def test_what_was_deleted_must_not_come_back(ledger: Ledger) -> None:
    ledger.collected("alice", [1], ledger.due("alice"))
    with pytest.raises(AssertionError, match="deleted"):
        ledger.collected("alice", [1], ledger.due("alice"))


def test_mail_may_be_seen_before_its_sender_hears_so(ledger: Ledger) -> None:
    ledger.sent(3, ["alice"])
    ledger.collected("alice", [1, 3], ledger.due("alice"))
    ledger.taken(3, ["alice"])
    assert ledger.due("alice") == frozenset()


def test_mail_that_comes_during_a_session_may_be_missing_from_it(ledger: Ledger) -> None:
    due = ledger.due("alice")
    ledger.sent(3, ["alice"])
    ledger.taken(3, ["alice"])
    ledger.collected("alice", [1], due)
    assert ledger.due("alice") == {3}


LETTER = Letter(0, ("alice",), 500)
LINES = LETTER.text().count(b"\n")
TAKES = (b"220 ready\r\n", *[b"250 ok\r\n"] * 3, b"354 go on\r\n", *[b""] * LINES, b"250 ok\r\n")
"""What an LMTP server says: to LHLO, MAIL, RCPT, DATA, the text, and the dot behind it."""
OK = b"+OK\r\n"
FOUND = b"+OK\r\nReturn-Path: <a@b>\r\n" + LETTER.text() + b".\r\n"


def visit(
    *,
    listing: bytes = b"+OK\r\n1 x\r\n.\r\n",
    found: bytes = FOUND,
    marked: bytes = OK,
    end: bytes = OK,
) -> tuple[bytes, ...]:
    """What a POP3 server says: greeting, USER, PASS, STAT, UIDL, RETR, DELE, QUIT."""
    return (OK, OK, OK, b"+OK 1 500\r\n", listing, found, marked, end)


def spend_a_day(*visits: Sequence[bytes]) -> int:
    """One letter comes, and its reader as often as there are other *visits*."""
    with liar(*visits) as port:
        peer = Peer(
            name="liar",
            version="1",
            account=FamilyAccount(),
            pop3=port,
            pop3s=None,
            lmtp=port,
            tls=ssl.create_default_context(),
            users={"alice": Mail(0)},
            refill=lambda _user: None,
        )
        provider = Provider(peer, Plan(("alice",), (LETTER,), ()))
        provider.spend([LETTER])
        for _ in visits[1:]:
            provider.spend([Poll("alice", tls=False)])
        return provider.settled()


def test_a_letter_comes_and_is_collected() -> None:
    assert spend_a_day(TAKES, visit()) == 1


@pytest.mark.parametrize(
    "reading",
    [
        visit(found=FOUND.replace(b"lazy", b"mazy", 1)),
        visit(found=FOUND.replace(b"X-Letter: 0", b"X-Letter: 1")),
        visit(found=b"-ERR\r\n"),
        visit(listing=b"+OK\r\n.\r\n"),
        visit(marked=b"-ERR\r\n"),
        visit(end=b"-ERR not deleted\r\n"),
        (OK, OK, OK, b"+OK 0 0\r\n", b"+OK\r\n.\r\n", OK),
    ],
    ids=["changed", "unknown", "refused", "unlisted", "unmarked", "kept", "lost"],
)
def test_a_reader_who_does_not_get_the_letter_ends_the_day(reading: tuple[bytes, ...]) -> None:
    with pytest.raises(AssertionError):
        spend_a_day(TAKES, reading)


def test_a_letter_that_comes_twice_ends_the_day() -> None:
    with pytest.raises(AssertionError, match="deleted"):
        spend_a_day(TAKES, visit(), visit())


def test_a_letter_that_is_not_taken_ends_the_day() -> None:
    with pytest.raises(AssertionError, match="452"):
        spend_a_day((*TAKES[:-1], b"452 no room\r\n"))


def test_a_letter_that_nobody_gets_is_missed_at_its_end() -> None:
    with pytest.raises(AssertionError, match="never"):
        spend_a_day(TAKES)
