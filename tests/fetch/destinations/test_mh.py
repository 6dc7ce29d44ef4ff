"""An MH folder: numbers, and other programs that take them."""

from __future__ import annotations

import os
import shutil

import pytest

from pillarbox.fetch.destinations import mh
from pillarbox.fetch.errors import DestinationUnusable
from tests.fetch.minirun import stored_in

from .conftest import Desk, staged, stored

LETTERS = [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)]


def numbers(desk: Desk) -> list[int]:
    return sorted(int(path.name) for path in desk.mail.iterdir() if path.name.isdecimal())


def test_numbers_go_on_after_the_highest(desk: Desk) -> None:
    desk.mail.mkdir()
    for name in ("1", "9", "007", ",12", ".mh_sequences", "x"):
        (desk.mail / name).write_bytes(b"old")
    stored(desk.ready("mh"), LETTERS)
    assert numbers(desk) == [1, 7, 9, 10, 11, 12]


def test_a_number_that_somebody_takes_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = desk.ready("mh")
    (desk.mail / "1").write_bytes(b"x\n")
    looks = [0]  # the first look was before the other program came
    real = mh.MhDestination._last
    monkeypatch.setattr(
        mh.MhDestination, "_last", lambda self: looks.pop() if looks else real(self)
    )
    stored(destination, LETTERS)
    assert numbers(desk) == [1, 2, 3, 4]
    assert (desk.mail / "1").read_bytes() == b"x\n"


def test_somebody_is_always_quicker(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    destination = desk.ready("mh")
    tokens = staged(destination, *LETTERS)
    monkeypatch.setattr(mh, "TRIES", 0)
    with pytest.raises(DestinationUnusable, match="takes each number first"):
        destination.publish(tokens)
    monkeypatch.undo()
    assert all(map(destination.settle, tokens))
    assert numbers(desk) == [1, 2, 3]


@pytest.mark.parametrize("name", ["7", ",7"])
def test_linked_and_not_yet_unlinked(desk: Desk, name: str) -> None:
    destination = desk.ready("mh")
    (token,) = staged(destination, LETTERS[0])
    first = desk.mail / token.partition("/")[0]
    (desk.mail / name).hardlink_to(first)
    assert destination.settle(token)
    assert [path.name for path in desk.mail.iterdir()] == [name]
    assert (desk.mail / name).stat().st_nlink == 1


def test_a_link_of_a_backup_program_is_no_publication(desk: Desk) -> None:
    destination = desk.ready("mh")
    (token,) = staged(destination, LETTERS[0])
    shutil.copytree(desk.mail, desk.mail.with_name("backup"), copy_function=os.link)
    assert destination.settle(token)
    assert stored_in(desk.target("mh")) == LETTERS[:1]


def test_a_maildir_is_no_mh_folder(desk: Desk) -> None:
    desk.ready("maildir")
    with pytest.raises(DestinationUnusable, match="is not an MH folder"):
        desk.ready("mh")
