"""The first words of a text, for a line in a list."""

from __future__ import annotations

from pillarbox.reader.mail.limits import OPENING

_LINES = 400
"""Lines that are looked at: long quotes stand before short answers."""


def first_words(text: str) -> str:
    """Without quotes, the lines that announce them, and the signature; if there is nothing else, all of it."""
    lines = text[: OPENING * 100].split("\n", _LINES)[:_LINES]
    return _own(lines) or _joined(lines)


def _own(lines: list[str]) -> str:
    kept: list[str] = []
    length = 0
    for line in lines:
        if line.rstrip() == "--":
            break
        if line.startswith(">"):
            if kept and kept[-1].rstrip().endswith(":"):  # "On Monday, Jane wrote:"
                length -= len(kept.pop())
            continue
        if stripped := line.strip():
            kept.append(stripped)
            length += len(stripped)
            if length > OPENING * 2:
                break
    return _joined(kept)


def _joined(lines: list[str]) -> str:
    words = " ".join(" ".join(lines).split())
    if len(words) <= OPENING:
        return words
    cut = words[:OPENING]
    return (cut.rpartition(" ")[0] or cut) + "…"
