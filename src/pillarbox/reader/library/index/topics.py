"""What a subject is about, once "Re:" and its like are taken away."""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.reader.library.index.folding import fold

_REPLY = (
    "re", "aw", "antw", "antwort", "sv", "vs", "odp", "res", "resp", "r", "rif", "ref", "ynt", "yan", "vá",
    "atb", "ats", "bls", "vedr", "ad", "hâ", "ra", "ref", "απ", "σχετ", "на", "отв", "ответ", "відп", "הגב",
    "תשובה", "השב", "رد", "پاسخ", "回复", "回覆", "答复", "答覆", "返信", "답장", "회신", "ตอบ", "ตอบกลับ",
)  # fmt: skip
_FORWARD = (
    "fw", "fwd", "wg", "tr", "vl", "vb", "doorst", "i", "rv", "enc", "ilt", "pd", "továbbítás", "πρθ", "прд",
    "пер", "переслано", "הועבר", "إعادة توجيه", "转发", "轉寄", "转寄", "転送", "전달", "ส่งต่อ",
)  # fmt: skip
_COUNTED = r"(?:\s?[\[(^]\s?\d{1,3}\s?[\])]?)?"
"""As in ``Re[2]:``, ``Re^3:``, ``AW (4):``."""


def _prefix(words: tuple[str, ...]) -> re.Pattern[str]:
    # The longest first: "ref" before "re".
    choice = "|".join(map(re.escape, sorted({fold(word) for word in words}, key=len, reverse=True)))
    return re.compile(rf"(?:{choice}){_COUNTED}\s{{0,3}}:\s*")


_A_REPLY, _A_FORWARD = _prefix(_REPLY), _prefix(_FORWARD)
_TAG = re.compile(r"\[[^\[\]]{1,60}\]\s*")
"""A list's name."""
_MOST_PREFIXES = 30
"""Nobody reads so many; a subject of nothing else must not cost more."""
_LONGEST = 300
"""Characters that are looked at."""


class Topic(NamedTuple):
    """Of a subject."""

    text: str
    """Folded; what it is about. May be empty."""
    is_reply: bool
    """It began with "Re:", in whatever language. A forwarded message is none."""


def topic_of(subject: str) -> Topic:
    """What *subject* is about, and whether it answers."""
    rest = " ".join(fold(subject)[:_LONGEST].split())
    first: bool | None = None
    for _ in range(_MOST_PREFIXES):
        if match := _A_REPLY.match(rest):
            first = True if first is None else first
        elif match := _A_FORWARD.match(rest):
            first = False if first is None else first
        elif not (match := _TAG.match(rest)):
            break
        rest = rest[match.end() :]
    return Topic(rest, bool(first))
