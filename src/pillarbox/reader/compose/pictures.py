"""Pictures in the HTML that is quoted. It was sanitised: tags are where they seem to be, and attributes are in double quotes."""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable
from html import escape, unescape

from pillarbox.reader.mail.letter import Part

_IMAGE = re.compile(r'<img((?: [a-zA-Z-]++="[^"]*+")*+)>')
_ATTRIBUTE = re.compile(r' ([a-zA-Z-]++)="([^"]*+)"')
_OWN = "cid:"
_SHOWN = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"))
MAX_SHOWN = 5_000_000
"""Octets of pictures that the page of a draft shows: it is made of them anew each time."""


class Pictures:
    """Those that a message brings along, and shows within its HTML."""

    def __init__(self, parts: Iterable[Part]) -> None:
        images = (one for one in parts if one.content_id and one.type.startswith("image/"))
        self._numbers = {one.content_id: one.number for one in images}
        self.names: dict[str, str] = {}
        """By a part's number: the Content-ID under which the quote shows it. Names of others are not passed on."""

    def address_of(self, content_id: str) -> str | None:
        """Where the quote has what it names by *content_id*; None: the message has no such picture."""
        number = self._numbers.get(content_id)
        if number is None:
            return None
        name = self.names.setdefault(number, f"{secrets.token_hex(16)}@inline")
        return f"{_OWN}{name}"


def worded(html: str, names: Collection[str] = ()) -> str:
    """*html* with words in the place of images that are not there: without an address, or of a Content-ID that is not in *names*.
    Those that are very small count visits, and go.
    """

    def there(source: str) -> str:
        own = source.startswith(_OWN)
        return "" if own and source.removeprefix(_OWN) not in names else source

    return _with(html, there)


def named_in(html: str) -> set[str]:
    """Content-IDs of the images in *html*."""
    found: set[str] = set()

    def note(source: str) -> str:
        if source.startswith(_OWN):
            found.add(source.removeprefix(_OWN))
        return source

    _with(html, note)
    return found


def shown(html: str, read: Callable[[str], tuple[str, bytes] | None]) -> str:
    """*html* for a page that may load nothing: its pictures are in it, or words. *read*: the type and the octets of what has
    that Content-ID.
    """
    left = MAX_SHOWN

    def within(source: str) -> str:
        nonlocal left
        if not source.startswith(_OWN):
            return source if source.startswith("data:") else ""
        found = read(source.removeprefix(_OWN)) if left > 0 else None
        if found is None or found[0] not in _SHOWN or len(found[1]) > left:
            return ""
        left -= len(found[1])
        return f"data:{found[0]};base64,{b64encode(found[1]).decode()}"

    return _with(html, within)


def _with(html: str, source: Callable[[str], str]) -> str:
    """*html* with other sources of images; where there is none, words."""

    def one(found: re.Match[str]) -> str:
        attributes = dict(_ATTRIBUTE.findall(found[1]))
        before = attributes.get("src", "")
        after = source(before) if before else ""
        if not after:
            return _words(attributes)
        return found[0].replace(f' src="{before}"', f' src="{after}"', 1)

    return _IMAGE.sub(one, html)


def _words(attributes: dict[str, str]) -> str:
    if {attributes.get("width"), attributes.get("height")} & {"0", "1", "2"}:
        return ""
    said = " ".join(unescape(attributes.get("alt", "image")).split())
    return f"[{escape(said, quote=False)}]" if said else ""
