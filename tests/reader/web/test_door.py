"""Entrances and sessions."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pillarbox.reader.web.entrances import LIFETIME, Entrances
from pillarbox.reader.web.sessions import IDLE, MOST, Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_entrance_made_by_one_process_is_used_in_another(tmp_path: Path) -> None:
    token = Entrances(tmp_path / "e").make()
    reader = Entrances(tmp_path / "e")
    assert reader.use(token)
    assert not reader.use(token)


def test_no_token_can_be_read_from_the_disk(tmp_path: Path) -> None:
    place = tmp_path / "e"
    token = Entrances(place).make()
    (file,) = place.iterdir()
    assert token not in file.name
    assert file.read_bytes() == b""
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_entrances_do_not_stay_open_for_ever(tmp_path: Path) -> None:
    entrances = Entrances(tmp_path / "e")
    old, older = entrances.make(), entrances.make()
    for file in (tmp_path / "e").iterdir():
        made = file.stat().st_mtime
        os.utime(file, (made - LIFETIME - 1, made - LIFETIME - 1))
    assert not entrances.use(old)
    entrances.close_all()
    assert not entrances.use(older)
    assert list((tmp_path / "e").iterdir()) == []


def test_closing_entrances_where_there_are_none(tmp_path: Path) -> None:
    Entrances(tmp_path / "e").close_all()
    assert not Entrances(tmp_path / "e").use("x")


def test_sessions_end_when_nobody_comes_back() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    name = sessions.open()
    clock.now += IDLE
    assert sessions.is_open(name)
    clock.now += IDLE
    assert sessions.is_open(name), "it was seen meanwhile"
    clock.now += IDLE + 1
    assert not sessions.is_open(name)
    assert not sessions.is_open("")


def test_there_are_not_endlessly_many_and_those_in_use_stay() -> None:
    sessions = Sessions(Clock())
    mine = sessions.open()
    others = []
    for _ in range(MOST + 10):
        others.append(sessions.open())
        assert sessions.is_open(mine)
    assert sum(map(sessions.is_open, others)) == MOST - 1
