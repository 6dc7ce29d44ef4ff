"""HTML of a message, without anything that acts, or tells somebody that it was read.

Three layers, each enough by itself for what it is about: ``balance`` lets only known elements through, nh3 only known
attributes and addresses, ``css`` only styles that can load nothing. Around them is the page's: a frame without scripts, under a
Content-Security-Policy of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import nh3

from pillarbox.reader.mail.balance import TAGS_KEPT, balance
from pillarbox.reader.mail.css import clean_sheet, clean_style, declares_dark
from pillarbox.reader.mail.ground import NO_GROUND, Ground, GroundTaker
from pillarbox.reader.mail.limits import DATA_URL, LETTER_HTML

_EVERYWHERE = frozenset(
    (
        "align",
        "bgcolor",
        "class",
        "dir",
        "height",
        "id",
        "lang",
        "style",
        "title",
        "valign",
        "width",
    )
)
_ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": frozenset(("href", "name")),
    "img": frozenset(("alt", "border", "hspace", "src", "vspace")),
    "font": frozenset(("color", "face", "size")),
    "table": frozenset(("border", "bordercolor", "cellpadding", "cellspacing", "rules", "summary")),
    "td": frozenset(("abbr", "colspan", "headers", "nowrap", "rowspan")),
    "th": frozenset(("abbr", "colspan", "headers", "nowrap", "rowspan", "scope")),
    "col": frozenset(("span",)),
    "colgroup": frozenset(("span",)),
    "ol": frozenset(("reversed", "start", "type")),
    "ul": frozenset(("type",)),
    "li": frozenset(("type", "value")),
    "br": frozenset(("clear",)),
    "hr": frozenset(("color", "noshade", "size")),
    "details": frozenset(("open",)),
}
_LINKS = frozenset(("http", "https", "mailto"))
_SOURCES = frozenset(("http", "https", "cid", "data"))
_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,[a-z0-9+/=\s]*", re.IGNORECASE)
_IGNORED = re.compile("[\x00-\x20\x7f-\xa0]+")
"""Browsers pass these over in a scheme, or at the ends of an address."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """HTML that can be shown."""

    html: str
    """A fragment. It has no style element: *sheet* and *ground* are for the document around it."""
    sheet: str = ""
    ground: Ground = NO_GROUND
    blocked: tuple[str, ...] = ()
    """Hosts that images would be loaded from, each once."""
    remote_count: int = 0
    """Images that are not shown."""
    dark: bool = False
    """The sender has thought of dark screens."""


def clean(
    markup: str,
    *,
    remote: bool,
    cid: Callable[[str], str | None],
    mailto: Callable[[str], str] = str,
) -> Cleaned:
    """What of *markup* can be shown. *remote*: images may be loaded from elsewhere. *cid*: the address of what has that
    Content-ID, if there is anything. *mailto*: where links that write a mail lead to instead.
    """
    body = GroundTaker(_EVERYWHERE)
    balanced = balance(markup[:LETTER_HTML], body.take)
    attributes = _Attributes(remote=remote, cid=cid, mailto=mailto)
    fragment = nh3.clean(
        balanced.html,
        tags=set(TAGS_KEPT),
        clean_content_tags=set(),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=attributes.keep,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes=set(_LINKS | _SOURCES),
    )
    sheet = "\n".join(filter(None, map(clean_sheet, balanced.sheets)))
    return Cleaned(
        fragment,
        sheet,
        body.ground,
        tuple(attributes.hosts),
        attributes.count,
        dark=balanced.dark or declares_dark(sheet),
    )


class _Attributes:
    """Decides on each attribute, and counts what is not loaded."""

    def __init__(
        self, *, remote: bool, cid: Callable[[str], str | None], mailto: Callable[[str], str]
    ) -> None:
        self._remote = remote
        self._cid = cid
        self._mailto = mailto
        self.hosts: dict[str, None] = {}
        self.count = 0

    def keep(self, tag: str, name: str, value: str) -> str | None:
        """The value that is to stand there; None: the attribute goes."""
        if name == "style":
            return clean_style(value) or None
        if name == "href":
            return self._link(value)
        if name == "src":
            return self._source(value) if tag == "img" else None
        return value

    def _link(self, value: str) -> str | None:
        url = value.strip()
        scheme = _IGNORED.sub("", url).partition(":")[0].lower()
        if scheme not in _LINKS or not url.lower().startswith(f"{scheme}:"):
            return None
        return self._mailto(url) if scheme == "mailto" else url

    def _source(self, value: str) -> str | None:
        url = _IGNORED.sub("", value)
        if url.startswith("//"):
            url = f"https:{url}"
        scheme = url.partition(":")[0].lower()
        if scheme == "cid":
            return self._cid(unquote(url[4:]))
        if scheme == "data":
            return url if len(url) <= DATA_URL and _DATA.fullmatch(url) else None
        if scheme not in ("http", "https"):
            return None
        host = _host(url)
        if not host:
            return None
        if self._remote:
            return url
        self.hosts[host] = None
        self.count += 1
        return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
