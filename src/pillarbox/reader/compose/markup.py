"""Typed text as simple HTML, for a message that goes out with a quote in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from itertools import groupby

from pillarbox.reader.compose.flowed import Line, lines_of
from pillarbox.reader.mail.prose import MAX_DEPTH, find_links


def as_html(typed: str) -> str:
    """Paragraphs, line ends, quotes and links; spaces are kept."""
    return _quoted(lines_of(typed), 0)


def _quoted(lines: Iterable[Line], depth: int) -> str:
    """*lines* of at least this *depth*; deeper ones in block quotes."""
    parts: list[str] = []
    for deeper, run in groupby(lines, key=lambda line: line.depth > depth):
        if deeper:
            parts.append(f'<blockquote type="cite">{_deepest(list(run), depth)}</blockquote>')
        else:
            parts.append(_paragraphs(line.text for line in run))
    return "".join(parts)


def _deepest(lines: list[Line], depth: int) -> str:
    if depth + 1 >= MAX_DEPTH:
        return _paragraphs(line.text for line in lines)
    return _quoted(lines, depth + 1)


def _paragraphs(lines: Iterable[str]) -> str:
    """Each line a block of its own: line ends are where they were typed."""
    return "".join(f"<div>{_inline(line) or '<br>'}</div>\n" for line in lines)


def _inline(line: str) -> str:
    return "".join(
        f'<a href="{escape(run.link)}">{escape(run.text)}</a>' if run.link else _spaced(run.text)
        for run in find_links(line)
    )


def _spaced(text: str) -> str:
    """Escaped; of several spaces all but the last stay apart."""
    return re.sub(r" (?= )|^ ", "\N{NO-BREAK SPACE}", escape(text))
