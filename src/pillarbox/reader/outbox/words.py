"""What a server says, fit to be shown: one line, bounded, and without what acts on a screen."""

from __future__ import annotations

MAX_WORDS = 400
"""Characters of a server's words: Gmail's explanations with their links have some three hundred."""


def cleaned(text: str) -> str:
    """*text* without control characters and changes of direction, on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"{line[:MAX_WORDS]}…" if len(line) > MAX_WORDS else line


class Reply:
    """A server's reply (RFC 5321, section 4.2)."""

    __slots__ = ("code", "text")

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text
        """As it came."""

    @property
    def good(self) -> bool:
        return 200 <= self.code <= 299  # noqa: PLR2004 -- as in the RFC

    @property
    def later(self) -> bool:
        """It may be another answer another time."""
        return 400 <= self.code <= 499  # noqa: PLR2004 -- as in the RFC

    @property
    def never(self) -> bool:
        """There is no use in asking again."""
        return 500 <= self.code <= 599  # noqa: PLR2004 -- as in the RFC

    @property
    def words(self) -> str:
        """For people: the code, and what goes with it."""
        return f"{self.code} {cleaned(self.text)}".strip()
