"""What others have written, fit for the operator's log. Never the token itself."""

from __future__ import annotations

from collections.abc import Iterable

MAX_QUOTED = 100
"""Characters of one name that are shown."""
MAX_NAMES = 4
"""Of a list."""


def shown(value: object) -> str:
    """*value* if it is a text: in quotes, one line of printable ASCII, bounded."""
    if not isinstance(value, str):
        return f"something that is no text ({type(value).__name__})"
    text = value[:MAX_QUOTED].encode("unicode_escape").decode("ascii")
    return f'"{text}…"' if len(value) > MAX_QUOTED else f'"{text}"'


def listed(values: Iterable[object]) -> str:
    """The same for several."""
    names = [shown(value) for value in values]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more if names else "nobody"
