"""What ``check`` works with: a fault, and the part of the store that is looked at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from pillarbox.database import Transaction
from pillarbox.store.cluster.tables import Tables

PAGE_MAILDROPS = 500
PAGE_MESSAGES = 100_000
"""Maildrops that are looked at by one statement: so many, with so many messages in all, but one at
least. A statement over that many rows takes about a second."""

Rows = Sequence[Any]
Fetch = Callable[..., Awaitable[Rows]]
"""Asks the database, within a transaction or by itself."""
Mend = Callable[[Transaction], Awaitable[str | None]]
"""Mends a fault; what to tell of it besides."""


class Fault(NamedTuple):
    """One disagreement."""

    maildrop: str
    text: str
    mend: Mend
    """Within the transaction that has found it."""


class Where(NamedTuple):
    """Some maildrops, by their names: those after *after* up to *upto*, or one."""

    values: tuple[str, ...]
    """The first parameters of the statement."""
    condition: str

    @classmethod
    def of(cls, user: str) -> Where:
        return cls((user,), "{0} = $1")

    @classmethod
    def between(cls, after: str, upto: str | None) -> Where:
        if upto is None:
            return cls((after,), "{0} > $1")
        return cls((after, upto), "{0} > $1 AND {0} <= $2")

    def has(self, column: str) -> str:
        """Whether *column* names one of them."""
        return self.condition.format(column)


Kind = Callable[[Fetch, Where], Awaitable[list[Fault]]]
"""A kind of disagreement. It is looked for by one statement, which sees one moment; and at each moment the
tables agree. So whatever it finds is true."""

_PAGE = f"""
    SELECT name, messages FROM maildrops WHERE name > $1 ORDER BY name LIMIT {PAGE_MAILDROPS}
"""  # noqa: S608 -- our own text


async def pages(tables: Tables) -> AsyncGenerator[Where, None]:
    """All maildrops, a page at a time, also those that only some tables know of."""
    after = ""
    while rows := await tables.ask(_PAGE, after):
        upto, messages = after, 0
        for name, count in rows:
            messages += count
            if messages > PAGE_MESSAGES and upto != after:
                break
            upto = name
        yield Where.between(after, upto)
        after = upto
    yield Where.between(after, None)
