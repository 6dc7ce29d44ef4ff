"""What holds for every destination that is a file or a folder: Maildir, mbox, MH."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pillarbox.fetch.destinations import Owner
from pillarbox.fetch.errors import DestinationUnusable
from tests.corpus import corpus
from tests.fetch.minirun import stored_in

from .conftest import Desk, staged, stored

KINDS = ("maildir", "mbox", "mh")
LETTERS = [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(5)]
NOBODY = 65534


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def found(desk: Desk, kind: str) -> list[bytes]:
    return stored_in(desk.target(kind))


def leftovers(desk: Desk) -> list[Path]:
    """Staged files, wherever they are."""
    return [
        path for path in desk.mail.parent.rglob(f"*R{desk.owner.key}*") if "new" not in path.parts
    ]


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 30])
def test_the_corpus_comes_back_octet_for_octet(desk: Desk, kind: str, size: int) -> None:
    """Read by Python's mailbox module."""
    samples = [sample for sample in corpus() if len(sample.canonical) < 100 * size]
    assert stored(desk.ready(kind), [sample.canonical for sample in samples], size) == (
        [None] * len(samples)
    )
    assert found(desk, kind) == sorted(sample.canonical for sample in samples)
    assert leftovers(desk) == []


def test_nothing_shows_before_it_is_published(desk: Desk, kind: str) -> None:
    destination = desk.ready(kind)
    tokens = staged(destination, *LETTERS)
    assert found(desk, kind) == []
    destination.publish(tokens[:2])
    assert found(desk, kind) == LETTERS[:2]
    destination.publish(tokens[2:])
    assert found(desk, kind) == LETTERS


def test_what_is_abandoned_leaves_nothing(desk: Desk, kind: str) -> None:
    destination = desk.ready(kind)
    for finished in (False, True):
        staging = destination.stage()
        staging.write(LETTERS[0])
        if finished:
            staging.finish()
        staging.abandon()
    assert leftovers(desk) == []
    assert found(desk, kind) == []


def test_settling_finishes_what_was_staged(desk: Desk, kind: str) -> None:
    first, second = staged(desk.ready(kind), *LETTERS[:2])
    destination = desk.open(kind)
    destination.prepare([first, second])
    assert destination.settle(first)
    assert found(desk, kind) == LETTERS[:1]
    assert destination.settle(second)
    assert found(desk, kind) == LETTERS[:2]
    assert leftovers(desk) == []


def test_settling_what_was_published_changes_nothing(desk: Desk, kind: str) -> None:
    destination = desk.ready(kind)
    tokens = staged(destination, *LETTERS)
    destination.publish(tokens)
    destination = desk.open(kind)
    destination.prepare(tokens)
    for _ in range(2):
        assert all(map(destination.settle, tokens))
        assert found(desk, kind) == LETTERS


def test_a_run_sweeps_what_a_dead_one_left_but_not_what_is_unsettled(desk: Desk, kind: str) -> None:
    tokens = staged(desk.ready(kind), *LETTERS)
    assert len(leftovers(desk)) == len(LETTERS)
    destination = desk.open(kind)
    destination.prepare(tokens[3:])
    assert len(leftovers(desk)) == 2
    assert all(map(destination.settle, tokens[3:]))
    desk.open(kind).prepare()
    assert leftovers(desk) == []
    assert found(desk, kind) == LETTERS[3:]


def test_a_run_leaves_alone_what_another_account_has_staged(desk: Desk, kind: str) -> None:
    other = Owner("ffffffff", desk.owner.spool.with_name("other"), "bob")
    destination = desk.open(kind, other)
    destination.prepare()
    tokens = staged(destination, *LETTERS)
    desk.ready(kind)
    destination.publish(tokens)
    assert found(desk, kind) == LETTERS


def test_two_accounts_store_in_one_place(desk: Desk, kind: str) -> None:
    destinations = [desk.ready(kind)]
    destinations.append(
        desk.open(kind, Owner("ffffffff", desk.owner.spool.with_name("other"), "bob"))
    )
    destinations[1].prepare()
    for number, letter in enumerate(LETTERS):
        assert stored(destinations[number % 2], [letter]) == [None]
    assert found(desk, kind) == LETTERS


def test_nobody_else_can_read_it(desk: Desk, kind: str) -> None:
    stored(desk.ready(kind), LETTERS)
    for path in [desk.mail, *desk.mail.rglob("*"), desk.owner.spool]:
        if path.exists():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_missing_folders_above_it_are_made(desk: Desk, kind: str) -> None:
    desk.mail = desk.mail / "a" / "b" / "c"
    assert stored(desk.ready(kind), LETTERS) == [None] * 5
    assert found(desk, kind) == LETTERS


def test_a_large_message_in_little_memory(desk: Desk, kind: str) -> None:
    import tracemalloc  # noqa: PLC0415 - slows down all that follows its start

    destination = desk.ready(kind)
    line = b"x" * 76 + b"\r\n"
    piece = line * 1000
    tracemalloc.start()
    try:
        staging = destination.stage()
        staging.write(b"Subject: large\r\n\r\n")
        for _ in range(300):
            staging.write(piece)
        token = staging.finish()
        destination.sync([staging])
        assert destination.publish([token]) == [None]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 1024 * 1024
    assert found(desk, kind) == [b"Subject: large\r\n\r\n" + line * 300_000]


# Trouble


@pytest.mark.parametrize("kind", ["maildir", "mh"])
def test_a_folder_that_is_a_file(desk: Desk, kind: str) -> None:
    desk.mail.write_bytes(b"precious")
    with pytest.raises(DestinationUnusable, match=r"a file, not a folder") as error:
        desk.ready(kind)
    assert str(desk.mail) in str(error.value)
    assert desk.mail.read_bytes() == b"precious"


@pytest.mark.parametrize("kind", ["maildir", "mh"])
def test_a_folder_that_is_something_else(desk: Desk, kind: str) -> None:
    desk.mail.mkdir()
    (desk.mail / "thesis.tex").write_bytes(b"precious")
    with pytest.raises(DestinationUnusable, match=r"is not a.*does not exist yet"):
        desk.ready(kind)
    assert [path.name for path in desk.mail.iterdir()] == ["thesis.tex"]


def test_the_place_vanishes_in_the_middle(desk: Desk, kind: str) -> None:
    destination = desk.ready(kind)
    tokens = staged(destination, *LETTERS)
    desk.mail.rename(desk.mail.with_name("away"))
    if kind == "mbox":  # a file is made anew, at any time
        assert destination.publish(tokens) == [None] * 5
        return
    with pytest.raises(DestinationUnusable, match="moved or removed") as error:
        destination.publish(tokens)
    assert str(desk.mail) in str(error.value)
    with pytest.raises(DestinationUnusable, match="moved or removed"):
        destination.stage()
    desk.mail.with_name("away").rename(desk.mail)
    assert all(map(destination.settle, tokens))
    assert found(desk, kind) == LETTERS


def test_a_place_that_has_been_made_anew_has_nothing(desk: Desk, kind: str) -> None:
    """What was staged in the old one is not taken for published: it will be retrieved again."""
    tokens = staged(desk.ready(kind), *LETTERS)
    away = desk.mail.with_name("away")
    (desk.owner.spool if kind == "mbox" else desk.mail).rename(away)
    destination = desk.open(kind)
    destination.prepare(tokens)
    assert not any(map(destination.settle, tokens))
    assert found(desk, kind) == []
    assert stored(destination, LETTERS) == [None] * 5


def test_a_place_without_permission(kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder, no_longer_root(Path(folder)) as others:
        desk = Desk(others)
        with pytest.raises(DestinationUnusable, match="write permission") as error:
            desk.ready(kind)
        assert folder in str(error.value)


@contextmanager
def no_longer_root(folder: Path) -> Iterator[Path]:
    """A folder in which this process may not write, even if it is root's."""
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
