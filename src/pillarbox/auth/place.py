"""Where accounts are kept: in a file of this machine, or in a database that many machines share.

What is asked and changed is the same in both places (:mod:`.accounts`, :mod:`.devices`,
:mod:`.register`): plain SQL with ``?`` for parameters, in which the column ``"user"`` is quoted
each time, since without quotes PostgreSQL takes it for who is connected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Row = Sequence[Any]
Rows = Sequence[Row]


class Change(Protocol):
    """One transaction, as whoever changes something sees it."""

    def execute(self, statement: str, *values: Any) -> int:
        """How many rows it has made, changed or removed."""

    def many(self, statement: str, values: Iterable[Row]) -> None:
        """The same statement for each of these."""

    def rows(self, statement: str, *values: Any) -> Rows:
        """All rows of a SELECT."""

    def generation(self) -> int:
        """A number above 0 that no account in this place has had."""


class Place(Protocol):
    """One file, or one database. Threads may share it. All methods raise AccountsUnavailable.

    What is a coroutine is for servers: it runs on their event loop, and does not suspend where the
    answer is at hand. The others may wait.
    """

    @property
    def name(self) -> str:
        """For an operator: the file's path, or where the database is (and no password)."""

    @property
    def remedy(self) -> str:
        """What may be wrong if there is no account at all: ``check store.path``."""

    def is_lost(self) -> bool:
        """Whether it is not there, though it may have been once. Asks nobody."""

    def version(self) -> bytes | None:
        """Something that is equal as long as nothing here has changed, in whatever process, and never
        again; costs next to nothing. None: it cannot be told.
        """

    def read(self, statement: str, values: Row = ()) -> Rows:
        """All rows of one SELECT, as of now: whatever any process has committed."""

    def find(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """The same of a SELECT that finds a row or two, from memory if nothing has changed.

        Raises:
            UnicodeEncodeError: a text cannot be in it, nor in any row.
        """

    async def ask(self, statement: str, values: tuple[Any, ...]) -> Rows:
        """:meth:`find` for servers: one round trip at most."""

    def secret(self, name: str) -> bytes:
        """One of the two random secrets that came into being with the place."""

    async def ask_secret(self, name: str) -> bytes:
        """:meth:`secret` for servers: no round trip but the first time."""

    def adopt(self, secrets: dict[str, bytes], *, dry_run: bool = False) -> None:
        """Take over the secrets of another place, before what they are the key of; *dry_run*: only see
        whether that can be.

        Raises:
            SecretsDiffer: there is something here already that has others.
        """

    def change(self, work: Callable[[Change], T]) -> T:
        """What *work* returns, which does its change in one transaction: durable at the end, or undone by
        what it raises. It may be called again, if others got in the way.
        """

    def close(self) -> None:
        """Close what this process has open; the next use opens it again."""


def no_account(place: Place) -> str:
    """What to tell an operator about accounts of which there are none."""
    return (
        f"{place.name} has no account: {place.remedy}, "
        "or make the first one with `pillarbox user add NAME`"
    )
