"""Connections are open files: the limit on those is lifted, or what it cannot hold is said."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pillarbox.app.config import Config
from pillarbox.app.config.settings import Limits, Server
from pillarbox.app.open_files import RESERVE, lift, wanted, warn_if_few
from tests.postoffice import PostOffice

CONFIG = Config(server=Server(workers=2), limits=Limits(connections=10_000))
LOW = 256
EVENT = "limits.connections cannot be reached: too few open files are allowed"


@pytest.fixture
def hard() -> Iterator[int]:
    """The hard limit; the soft one is low, as it is by default."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (LOW, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def limits_are(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> list[tuple[int, int]]:
    """Pretend these limits; what is set comes into the list."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    return given


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_every_process_may_open_as_many_files_as_the_system_allows(
    hard: int, tmp_path: Path
) -> None:
    with PostOffice(tmp_path, settings={"limits": {"connections": 100}}) as office:
        for pid in (office.pid, *office.workers()):
            assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)
        assert office.log.find(EVENT) == []


def test_a_hard_limit_that_is_too_low_is_named_with_figures_and_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = limits_are(monkeypatch, 1024, 4096)
    with capture_logs() as logs:
        warn_if_few(CONFIG)
    (line,) = logs
    assert given == [(4096, 4096)]
    assert line["event"] == EVENT
    assert line["log_level"] == "warning"
    assert (line["connections"], line["open_files_allowed"]) == (10_000, 4096)
    assert line["open_files_wanted"] == 5_000 + RESERVE
    assert "LimitNOFILE" in line["remedy"]


def test_a_limit_that_suffices_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    limits_are(monkeypatch, 1024, wanted(CONFIG))
    with capture_logs() as logs:
        warn_if_few(CONFIG)
    assert logs == []


def test_where_there_is_no_hard_limit_what_is_wanted_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = limits_are(monkeypatch, 1024, resource.RLIM_INFINITY)
    assert lift(CONFIG) == wanted(CONFIG)
    assert given == [(wanted(CONFIG), resource.RLIM_INFINITY)]


def test_a_limit_that_the_system_does_not_lift_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    limits_are(monkeypatch, 1024, 4096)
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert lift(CONFIG) == 1024


def test_no_limit_at_all_needs_no_lifting(monkeypatch: pytest.MonkeyPatch) -> None:
    infinite = resource.RLIM_INFINITY
    given = limits_are(monkeypatch, infinite, infinite)
    with capture_logs() as logs:
        warn_if_few(CONFIG)
    assert lift(CONFIG) is None
    assert logs == []
    assert given == []
