"""How the settings are read that say as whom one writes, and where it leaves.

A submission server is a URL, as the mailbox is:

=============================== ==========================================================
``smtps://alice@mail.example``  TLS from the first octet, port 465 (RFC 8314)
``smtp://alice@mail.example``   port 587; TLS by STARTTLS is demanded (RFC 6409, RFC 3207)
=============================== ==========================================================

Without a user it is the mailbox's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.addresses import MOST_ALIASES, is_address
from pillarbox.app.collecting.values import Wrong, text, wrong
from pillarbox.client.url import decoded_name, shown, split

SMTPS, SMTP = "smtps", "smtp"
PORTS = {SMTPS: 465, SMTP: 587}
EXAMPLE = "smtps://alice@mail.example.org"

LONGEST_SIGNATURE = 10_000
"""Characters. What is longer is no signature."""


class Place(NamedTuple):
    """A submission server, as it was written."""

    scheme: str
    host: str
    port: int
    user: str | None
    """None: as for the mailbox."""


def smtp(value: Any, _base: Path) -> Place:
    """The server that a URL names."""
    url = text(f'a URL in quotes, like "{EXAMPLE}"')(value, _base)
    try:
        parts = split(url)
        if parts.scheme not in PORTS:
            raise ValueError("has another scheme than smtps://, smtp://")  # noqa: TRY301 -- one way to tell
        if ":" in parts.user:
            raise ValueError("has a password in it, where others can see it: leave it out")  # noqa: TRY301
        user = decoded_name(parts.user) if parts.user else None
    except ValueError as error:
        raise Wrong(f"the URL {shown(url)} {error}", f"a right one looks like {EXAMPLE}") from None
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return Place(parts.scheme, parts.host, port, user)


def address(value: Any, base: Path) -> str:
    """A mail address, without a name."""
    words = 'an address in quotes, like "alice@example.org"'
    found: str = text(words)(value, base)
    if not is_address(found):
        raise wrong(value, words)
    return found


def addresses(value: Any, base: Path) -> tuple[str, ...]:
    """Several of them, each once."""
    if not isinstance(value, list) or len(value) > MOST_ALIASES:
        raise wrong(
            value, f'a list of at most {MOST_ALIASES} addresses, like ["alice@example.org"]'
        )
    return tuple(dict.fromkeys(address(each, base) for each in value))


def signature(value: Any, _base: Path) -> str:
    """Lines of text."""
    if not isinstance(value, str) or len(value) > LONGEST_SIGNATURE:
        raise wrong(
            value,
            f'a text in quotes ("""…""" for several lines) of at most {LONGEST_SIGNATURE} characters',
        )
    if not all(char.isprintable() or char in "\n\t" for char in value.replace("\r\n", "\n")):
        raise Wrong("has characters that cannot be printed", "leave them out")
    return value.replace("\r\n", "\n").strip("\n")
