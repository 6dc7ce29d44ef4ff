from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import pytest
import structlog

from pillarbox.store.embedded import maildrop
from tests.work.budgets import BUDGETS
from tests.work.judging import WHAT_TO_DO, Spent, grown, shrunk

Within = Callable[..., None]


@pytest.fixture
def within(record_property: Callable[[str, object], None]) -> Within:
    """The judge: ``within(*spent)`` fails if anything is above its budget."""

    def judge(*spent: Spent) -> None:
        for each in spent:
            record_property("spent", (each.name, each.figure))  # for ``python -m tests.work``
            if shrunk(BUDGETS, each):
                lower = f"{each.name}: {each.figure:g}; its budget can be lowered"
                record_property("measured", lower)
        complaints = [text for each in spent if (text := grown(BUDGETS, each))]
        if complaints:
            pytest.fail("\n\n".join([*complaints, WHAT_TO_DO]), pytrace=False)

    return judge


@pytest.fixture(autouse=True)
def quick_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no session counts as one that has stopped."""
    monkeypatch.setattr(maildrop, "STALE_SECONDS", inf)


@pytest.fixture(autouse=True)
def room_for_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are understood once, whatever clients of other tests have filled that memory with."""
    monkeypatch.setattr("pillarbox.wire.commands.REMEMBERED_LINES", inf)


@pytest.fixture(autouse=True)
def log_of_service() -> Iterator[None]:
    """Nothing below "info" is logged, as in service, and the lines go nowhere."""

    def drop(logger: Any, name: str, event: structlog.typing.EventDict) -> str:
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    yield
    structlog.configure(**before)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """The garbage of other tests is not collected while something is counted."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection never gives way to others: whether its time is up depends on the machine."""
    monkeypatch.setattr("pillarbox.server.connection.MAX_TURN", float("inf"))
