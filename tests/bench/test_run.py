"""A run: who has which work when, and what becomes of a server that fails."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest
from bench.accounting import FamilyAccount
from bench.figures import Figure, Note
from bench.peers.contract import Peer
from bench.run import Result, rounds
from bench.works.common import CannotDo
from bench.works.plan import Work


def peer(name: str, *, limit: bool = False, lmtp: int | None = 1, pop3s: int | None = 1) -> Peer:
    tls = ssl.create_default_context()
    return Peer(
        name, "1", FamilyAccount(), 1, pop3s, lmtp, tls, {}, lambda _user: None, limit=limit
    )


def measured(peer: Peer) -> Figure:
    return Figure("work", peer.name, 1.0, "µs")


def failing(error: Exception) -> Callable[[Peer], Figure]:
    def run(peer: Peer) -> Figure:
        if peer.name == "b":
            raise error
        return measured(peer)

    return run


def names(works: list[Work], peers: list[Peer], times: int = 1) -> list[str]:
    return [found.peer for found in rounds(peers, works, times)]


def test_each_server_is_first_once() -> None:
    peers = [peer(name) for name in "abc"]
    assert names([Work("work", measured)], peers, times=3) == [*"abc", *"bca", *"cab"]


def test_what_is_done_once_is_done_in_the_first_round() -> None:
    assert names([Work("work", measured, once=True)], [peer("a")], times=3) == ["a"]


@pytest.mark.parametrize(
    ("work", "those"),
    [
        (Work("work", measured), ["whole", "no LMTP", "no TLS"]),
        (Work("work", measured, by_heart=True), ["whole", "limit", "no LMTP", "no TLS"]),
        (Work("work", measured, delivers=True), ["whole", "no TLS"]),
        (Work("work", measured, tls=True), ["whole", "no LMTP"]),
    ],
)
def test_a_server_has_the_works_that_it_can_do(work: Work, those: list[str]) -> None:
    peers = [
        peer("whole"),
        peer("limit", limit=True),
        peer("no LMTP", lmtp=None),
        peer("no TLS", pop3s=None),
    ]
    assert names([work], peers) == those


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (AssertionError("a short listing"), True),
        (TimeoutError("timed out"), True),
        (CannotDo("it has no such thing"), False),
    ],
)
def test_a_server_that_fails_is_told_of_and_the_others_go_on(
    error: Exception, failed: bool
) -> None:
    result = Result()
    result.add(rounds([peer(name) for name in "abc"], [Work("work", failing(error))], 2))
    assert [figure.peer for figure in result.figures] == ["a", "c", "c", "a"]
    (note,) = result.notes  # once, though it came twice
    assert (note.work, note.peer, note.failed) == ("work", "b", failed)
    assert str(error) in note.text


def test_a_mistake_of_the_bench_is_no_failure_of_a_server() -> None:
    with pytest.raises(ZeroDivisionError):
        list(rounds([peer("b")], [Work("work", failing(ZeroDivisionError()))], 1))


def test_notes_that_differ_stay() -> None:
    result = Result()
    result.add([Note("work", "a", "one"), Note("work", "b", "one"), Note("work", "a", "two")])
    assert len(result.notes) == 3
