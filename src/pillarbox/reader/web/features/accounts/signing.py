"""A sign-in by OAuth 2 that goes on while pages are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.collecting.words import in_words


@dataclass(frozen=True, slots=True)
class SignIn:
    """See the module."""

    task: asyncio.Task[None]
    said: list[str]
    """What the person has to do."""


def signing_in(work: Coroutine[Any, Any, None], said: list[str]) -> SignIn:
    """Begin with *work*, which puts into *said* what the person has to do."""
    return SignIn(asyncio.create_task(work), said)


def is_through(signing: SignIn) -> bool:
    """Whether the person has signed in."""
    task = signing.task
    return task.done() and not task.cancelled() and task.exception() is None


def problem_of(signing: SignIn) -> str:
    """Why it did not succeed; empty: it goes on, or did."""
    task = signing.task
    if not task.done() or is_through(signing):
        return ""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, PillarboxError):
        return in_words(error, by_itself=False)
    return "The sign-in was broken off. Begin again."
