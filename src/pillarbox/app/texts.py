"""Pieces of what commands print: counts, and nothing that bites a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """*text* with everything escaped that could move a cursor or break a line."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
