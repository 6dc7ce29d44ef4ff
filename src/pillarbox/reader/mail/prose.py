"""Plain text as blocks: what the sender says, what is quoted, the signature (RFC 3676)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MAX_DEPTH = 20
"""Of quotes that are told apart. Threads that long are read from the other end."""

_FIXED_QUOTE = re.compile(r"(?:> ?)+")
_LINK = re.compile(r"\b(?:https?://|mailto:)[^\s<>\"\u201c\u201d\u00ab\u00bb]+", re.IGNORECASE)
_AT_END = ".,;:!?'*_\u2026\u2019"
_PAIRS = {")": "(", "]": "[", "}": "{"}
SIGNATURE_MARK = "-- "


class Kind(Enum):
    PARAGRAPH = "paragraph"
    QUOTE = "quote"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line."""

    text: str
    link: str = ""
    """A URL of http, https or mailto, if it is one."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. Flowed lines are one."""

    kind: Kind
    lines: tuple[tuple[Run, ...], ...]
    depth: int = 0
    """Of a quote, from 1."""


def read_prose(text: str, *, flowed: bool = False, delsp: bool = False) -> tuple[Block, ...]:
    """The blocks of *text*, in order."""
    lines = unflow(text, delsp=delsp) if flowed else _as_it_is(text)
    return tuple(_blocks(lines))


def unflow(text: str, *, delsp: bool = False) -> Iterator[tuple[int, str]]:
    """Depth of quoting, and text, of each line, once those that flow are joined (section 4.1)."""
    waiting: tuple[int, list[str]] | None = None
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        if waiting is not None and (waiting[0] != depth or content == SIGNATURE_MARK):
            yield waiting[0], "".join(waiting[1])
            waiting = None
        flows = content.endswith(" ") and content != SIGNATURE_MARK
        if flows and delsp:
            content = content[:-1]
        if waiting is None:
            waiting = depth, [content]
        else:
            waiting[1].append(content)
        if not flows:
            yield waiting[0], "".join(waiting[1])
            waiting = None
    if waiting is not None:
        yield waiting[0], "".join(waiting[1])


def find_links(line: str) -> tuple[Run, ...]:
    """*line* in pieces. What ends a sentence is not in the link, nor is a bracket that opened before it."""
    done: list[Run] = []
    at = 0
    for match in _LINK.finditer(line):
        url = _without_end(match[0])
        if len(url) <= len("mailto:") and not url.lower().startswith("http"):
            continue
        if match.start() > at:
            done.append(Run(line[at : match.start()]))
        done.append(Run(url, url))
        at = match.start() + len(url)
    if at < len(line) or not done:
        done.append(Run(line[at:]))
    return tuple(done)


def _without_end(url: str) -> str:
    end = len(url)
    excess = {mark: url.count(mark) - url.count(opening) for mark, opening in _PAIRS.items()}
    while end:
        last = url[end - 1]
        if last in _PAIRS and excess[last] > 0:
            excess[last] -= 1
        elif last not in _AT_END:
            break
        end -= 1
    return url[:end]


def _as_it_is(text: str) -> Iterator[tuple[int, str]]:
    for line in text.split("\n"):
        quote = _FIXED_QUOTE.match(line) if line.startswith(">") else None
        if quote is None:
            yield 0, line
        else:
            yield quote[0].count(">"), line[quote.end() :]


def _blocks(lines: Iterator[tuple[int, str]]) -> Iterator[Block]:
    kind, depth, kept = Kind.PARAGRAPH, 0, list[str]()
    for level, line in lines:
        now = min(level, MAX_DEPTH)
        is_mark = not now and (line in (SIGNATURE_MARK, "--"))
        wanted = Kind.QUOTE if now else Kind.PARAGRAPH
        if is_mark or (kind is Kind.SIGNATURE and not now):
            wanted = Kind.SIGNATURE
        ends_paragraph = kind is Kind.PARAGRAPH and not line.strip()
        if (wanted, now) != (kind, depth) or is_mark or ends_paragraph:
            yield from _block(kind, depth, kept)
            kind, depth, kept = wanted, now, []
        kept.append(line.rstrip())
    yield from _block(kind, depth, kept)


def _block(kind: Kind, depth: int, lines: list[str]) -> Iterator[Block]:
    while lines and not lines[-1]:
        lines.pop()
    start = next((n for n, line in enumerate(lines) if line), 0)
    if lines:
        yield Block(kind, tuple(find_links(line) for line in lines[start:]), depth)
