"""Addresses in header fields (RFC 5322, section 3.4), and what programs write instead of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pillarbox.reader.mail.words import decode_words, raw_text, tidy
from pillarbox.reader.model import Correspondent

_TOKEN = re.compile(
    r'"((?:[^"\\]++|\\.)*+)"'  # 1: a quoted string
    r"|\(((?:[^()\\]++|\\.)*+)\)"  # 2: a comment
    r"|<([^<>]*)>"  # 3: an address
    r"|([,;:])"  # 4
    # 5: words; or what should not be there. A backslash takes the next character along, as in quotes: else each
    # escaped mark would be the beginning of something, whose end is looked for once more.
    r'|((?:[^",;:<>()\\]++|\\.)++|.)',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class _Reader:
    """Takes the tokens of one field."""

    def __init__(self) -> None:
        self._name: list[str] = []
        self._at = False
        """There is an ``@`` in it."""
        self._comment = ""
        self._address: str | None = None
        self._group = ""
        self._before = ""
        """What stood before a comma and may be the first half of a name: ``Doe, Jane <jane@...>``."""

    def take(self, token: re.Match[str]) -> Iterator[Correspondent]:
        quoted, comment, address, mark, words = token.groups()
        if words is not None:
            self._add(words)
        elif quoted is not None:
            self._add(_ESCAPED.sub(r"\1", quoted))
        elif address is not None:
            self._address = address
        elif comment is not None:
            self._comment = comment
        elif mark == ":" and self._address is None and not self._at:
            self._group, self._name = "".join(self._name), []
        elif mark == ":":
            self._name.append(":")
        else:
            yield from self.end(last=mark == ";")

    def _add(self, piece: str) -> None:
        self._name.append(piece)
        self._at = self._at or "@" in piece

    def end(self, *, last: bool) -> Iterator[Correspondent]:
        """An address is complete. *last*: nothing more belongs to it."""
        name, address, comment = "".join(self._name).strip(), self._address, self._comment
        self._name, self._at, self._address, self._comment = [], False, None, ""
        if address is not None:
            yield _made(f"{self._before}, {name}" if self._before else name or comment, address)
            self._before, self._group = "", ""
            return
        if name and "@" not in name and not last:
            yield from self._alone()
            self._before = name
            return
        yield from self._alone()
        if name:
            yield _alone(name, comment)
            self._group = ""
        elif self._group.strip() and last:  # "undisclosed-recipients:;"
            yield _made(self._group, "")
            self._group = ""

    def _alone(self) -> Iterator[Correspondent]:
        if self._before:
            yield _alone(self._before, "")
            self._before = ""


def read_addresses(value: bytes, limit: int, hint: str = "") -> tuple[Correspondent, ...]:
    """The first *limit* addresses of a field. What stands in quotes, comments or encoded words is a name,
    whatever it looks like.
    """
    found: list[Correspondent] = []
    reader = _Reader()
    for token in _TOKEN.finditer(raw_text(value, hint)):
        found.extend(reader.take(token))
        if len(found) >= limit:
            return tuple(found[:limit])
    found.extend(reader.end(last=True))
    return tuple(found[:limit])


def _made(name: str, address: str) -> Correspondent:
    address = tidy(address)
    if address.startswith("@") and ":" in address:  # a route (RFC 5322, section 4.4)
        address = address.rpartition(":")[2]
    return Correspondent(tidy(decode_words(name)), address)


def _alone(text: str, comment: str) -> Correspondent:
    """Without ``<>``: an address, or (with spaces in it) a name."""
    decoded = tidy(decode_words(text))
    if "@" in text or " " not in decoded:
        return Correspondent(tidy(decode_words(comment)), decoded)
    return Correspondent(decoded, "")
