"""A wrong or short answer is an error, not a fast answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.client import Client, is_whole

from tests.bench.liar import liar

GREETING = b"+OK ready\r\n"
LISTING = b"+OK\r\n1 a\r\n2 b\r\n.\r\n"


@contextmanager
def client_of(*sayings: bytes) -> Iterator[Client]:
    with liar((GREETING, *sayings)) as port, Client(port) as client:
        yield client.meet()


def test_a_true_answer_is_taken() -> None:
    with client_of(b"+OK 2 10\r\n", LISTING, LISTING) as client:
        assert client.command(b"STAT") == b"+OK 2 10\r\n"
        assert client.listing(b"UIDL") == LISTING
        client.exactly(b"UIDL\r\n", LISTING)


@pytest.mark.parametrize("greeting", [b"-ERR busy\r\n", b"+OK\r\n+OK again\r\n"])
def test_a_greeting_must_be_one_good_line(greeting: bytes) -> None:
    with liar((greeting,)) as port, Client(port) as client, pytest.raises(AssertionError):
        client.meet()


@pytest.mark.parametrize(
    "answer",
    [
        b"-ERR no\r\n",
        b"+OK\r\n+OK more than was asked for\r\n",
        b"",
    ],
)
def test_a_status_must_be_one_good_line(answer: bytes) -> None:
    with client_of(answer) as client, pytest.raises(AssertionError):
        client.command(b"STAT")


@pytest.mark.parametrize(
    "answer",
    [
        LISTING.replace(b"2 b", b"2 c"),
        LISTING[:-3],
        b"-ERR no\r\n",
        LISTING.replace(b"1 a\r\n", b""),
    ],
)
def test_what_is_compared_must_be_the_same_to_the_last_octet(answer: bytes) -> None:
    with client_of(answer) as client, pytest.raises(AssertionError):
        client.exactly(b"UIDL\r\n", LISTING)


def test_what_is_compared_may_be_larger_than_what_was_compared_before() -> None:
    large = b"+OK\r\n" + b"x" * 1_000_000 + b"\r\n.\r\n"
    with client_of(LISTING, large, large[:-6] + b"y" + large[-5:]) as client:
        client.exactly(b"UIDL\r\n", LISTING)
        client.exactly(b"RETR 1\r\n", large)
        with pytest.raises(AssertionError, match="another reply"):
            client.exactly(b"RETR 1\r\n", large)


def test_a_listing_that_is_cut_short_is_none() -> None:
    with client_of(LISTING[:-5]) as client, pytest.raises(AssertionError, match="hung up"):
        client.listing(b"UIDL")


MESSAGE = b"+OK\r\nhello\r\n.\r\n"


def test_a_drain_takes_messages_and_marks() -> None:
    with client_of(MESSAGE, b"+OK marked\r\n", MESSAGE, b"+OK marked\r\n") as client:
        client.drain(1, 2, len(MESSAGE))


@pytest.mark.parametrize(
    ("message", "mark"),
    [
        (MESSAGE, b"-ERR no such message\r\n"),
        (b"-ERR no such message\r\n", b"+OK\r\n"),
        (b"+OK\r\nhi\r\n.\r\n", b"+OK marked\r\n"),
    ],
)
def test_a_drain_misses_neither_message_nor_mark(message: bytes, mark: bytes) -> None:
    with client_of(message, mark) as client, pytest.raises(AssertionError):
        client.drain(1, 1, len(MESSAGE))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_end_of_a_reply_is_seen_wherever_it_is_cut(size: int) -> None:
    reply = b"+OK\r\nabc\r\n.\r\n"
    pieces = [reply[start : start + size] for start in range(0, len(reply), size)]
    whole = [is_whole(pieces[: count + 1]) for count in range(len(pieces))]
    assert whole == [False] * (len(pieces) - 1) + [True]
