"""Texts in header fields: encoded words (RFC 2047), raw octets, and what does not belong into a line."""

from __future__ import annotations

import binascii
import html
import re

from pillarbox.reader.mail.charsets import decode_short
from pillarbox.reader.mail.limits import FIELD_TEXT
from pillarbox.reader.mail.transfer import from_base64

_WORD = re.compile(r"=\?([^?*\s]{1,64})(?:\*[^?\s]{0,32})?\?([bBqQ])\?([^?]*)\?=")

UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters but tab and line feed, and those that turn the direction of what follows: a name could
show itself backwards ("gpj.exe")."""

_ENDLESS = re.compile("&#[0-9]{20,}+;?")
"""A character reference with more digits than any needs, zeros in front and all. Of some thousand digits Python
makes no number."""

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""The same for a text of many lines, in which the marks of direction (U+200E and the like) are part of how some
languages are written.
"""


def without_references(text: str) -> str:
    """Text of HTML with its character references (``&auml;``, ``&#228;``) as the characters that they stand for."""
    return html.unescape(_ENDLESS.sub("\ufffd", text))


def tidy(text: str) -> str:
    """As one line: without control characters, with single spaces, cut."""
    if not text.isascii() or not text.isprintable():
        text = UNWANTED.sub("", text.replace("\r", " "))
    return " ".join(text.split())[:FIELD_TEXT].rstrip()


def raw_text(value: bytes, hint: str = "") -> str:
    """Octets of a field as characters. *hint*: the charset of the message's text, for 8-bit that is not UTF-8."""
    if value.isascii():
        return value.decode("ascii")
    try:
        return value.decode()
    except UnicodeDecodeError:
        return decode_short(value, hint)


def decode_words(text: str) -> str:
    """*text* with its encoded words decoded. Those that stand side by side are one: a character may be cut
    between them.
    """
    if "=?" not in text:
        return text
    done: list[str] = []
    charset, waiting, at = "", b"", 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        label = word[1].lower()
        if waiting and (between.strip() or label != charset):
            done.append(decode_short(waiting, charset))
            waiting = b""
        if between.strip() or (not done and not waiting):
            done.append(between)
        charset, at = label, word.end()
        waiting += _octets(word[2], word[3])
    if waiting:
        done.append(decode_short(waiting, charset))
    done.append(text[at:])
    return "".join(done)


def text_of(value: bytes, hint: str = "") -> str:
    """An unstructured field (Subject): decoded, in one line."""
    return tidy(decode_words(raw_text(value, hint)))


def _octets(encoding: str, content: str) -> bytes:
    raw = content.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return from_base64(raw)
    return binascii.a2b_qp(raw.replace(b" ", b"_"), header=True)
