"""How the value of an account's setting is read: strict about types, clear about what is wrong.

Nothing here is a class of the server's configuration: importing what checks that takes longer
than a whole poll.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pillarbox.app.config.wording import nearest, show
from pillarbox.app.sizes import parse_size
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.errors import InvalidSetting
from pillarbox.client.tls import normal_fingerprint
from pillarbox.fetch.command_words import words_of
from pillarbox.fetch.destinations import Target, parse_destination
from pillarbox.fetch.errors import InvalidDestination

DAYS = 36_500
"""The longest that mail is kept for: beyond a hundred years it is a slip."""
LONGEST_TIMEOUT = 3600.0
"""Seconds of silence. A server that needs an hour will not answer at all."""

OAUTH2_KEYS = (
    "provider",
    "client_id",
    "client_secret",
    "client_secret_command",
    "authorize_url",
    "device_url",
    "token_url",
    "scopes",
)

Read = Callable[[Any, Path], Any]
"""The value as it is used. Relative paths start from the second argument. Raises
:class:`Wrong`."""


class Wrong(ValueError):
    """What is wrong with a value, and what to write instead."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint


def wrong(value: Any, what: str) -> Wrong:
    """*value* is not *what* it should be."""
    return Wrong(f"{show(value)} will not do", f"write {what}")


def text(what: str) -> Read:
    """One line, which *what* describes."""

    def read(value: Any, _base: Path) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise wrong(value, what)
        return value.strip()

    return read


def url(value: Any, _base: Path) -> str:
    """The text of one that can be understood; :mod:`.recipe` knows whether TLS is demanded."""
    found: str = text('a URL in quotes, like "pop3s://alice@mail.example.org"')(value, _base)
    try:
        Endpoint.parse(found)
    except InvalidSetting as error:
        raise of_sentence(error) from None
    return found


def flag(value: Any, _base: Path) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(value, "true or false")
    return value


def days(value: Any, _base: Path) -> int:
    """A number of days."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= DAYS:
        raise wrong(value, f"a whole number of days from 0 to {DAYS}")
    return value


def seconds(value: Any, _base: Path) -> float:
    """A time of silence."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 1 <= value <= LONGEST_TIMEOUT:
        raise wrong(value, f"a number of seconds from 1 to {LONGEST_TIMEOUT:.0f}")
    return float(value)


def size(value: Any, _base: Path) -> int:
    """Octets."""
    octets = 0
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            octets = parse_size(str(value))
        except ValueError:
            octets = 0
    if octets < 1:
        raise wrong(value, 'octets, or a size like "10M"')
    return octets


def path(value: Any, base: Path) -> Path:
    """A file."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise wrong(value, "a path in quotes")
    try:
        return base / Path(value).expanduser()
    except RuntimeError:
        raise Wrong(f'"{value}" names no home folder', "write the path in full") from None


def words(value: Any, _base: Path) -> tuple[str, ...]:
    """A command, in words."""
    if not isinstance(value, str) or "\0" in value:
        raise wrong(value, "a command in quotes")
    try:
        split = words_of(value)
    except ValueError as error:
        raise Wrong(f"is no command: {str(error).lower()}", "close what is open") from None
    if not split:
        raise Wrong("is an empty command", "name the program that prints the password")
    return tuple(split)


READER = Target("reader", "")
"""``to = "reader"``: the mail goes where the reader keeps its own; ``pillarbox fetch`` leaves the account alone."""


def destination(value: Any, base: Path) -> Target:
    """Where mail goes."""
    if not isinstance(value, str):
        raise wrong(value, 'a destination in quotes, like "maildir:~/Mail"')
    if value.strip() == READER.kind:
        return READER
    try:
        return parse_destination(value, base)
    except InvalidDestination as error:
        raise of_sentence(error) from None


def fingerprint(value: Any, _base: Path) -> str:
    """SHA-256 of a certificate."""
    if not isinstance(value, str):
        raise wrong(value, "the SHA-256 of the certificate in quotes")
    try:
        return normal_fingerprint(value)
    except InvalidSetting as error:
        raise of_sentence(error) from None


def proxy(value: Any, _base: Path) -> str:
    """The URL of a proxy."""
    if not isinstance(value, str):  # not shown: it may hold a password
        raise Wrong("is no URL", 'write one like "socks5://127.0.0.1:1080"')
    from pillarbox.client.through_proxy import Proxy  # noqa: PLC0415 -- few have one

    try:
        Proxy.parse(value)
    except InvalidSetting as error:
        raise of_sentence(error) from None
    return value


def of_sentence(error: Exception) -> Wrong:
    """What an error says, taken apart."""
    problem, _, hint = str(error).partition("; ")
    return Wrong(problem, hint)


def oauth2(value: Any, base: Path) -> dict[str, Any]:
    """The table ``oauth2``; whether it is enough is for the provider's row to say."""
    if not isinstance(value, dict):
        raise wrong(value, 'a table like { provider = "microsoft", client_id = "…" }')
    read = {"client_secret_command": words}
    table = {}
    for key, one in value.items():
        if key not in OAUTH2_KEYS:
            near = nearest(key, OAUTH2_KEYS)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(OAUTH2_KEYS)}"
            raise Wrong(f'"{key}" is not known in it', hint)
        # A secret is not shown, whatever is wrong with it.
        if key == "client_secret" and not isinstance(one, str):
            raise Wrong("its client_secret is not a text in quotes")
        table[key] = read.get(key, text(f"{key} as a text in quotes"))(one, base)
    if "provider" not in table:
        raise Wrong("it names no provider", 'write provider = "microsoft", "google", or another')
    if "client_secret" in table and "client_secret_command" in table:
        raise Wrong("it has client_secret and client_secret_command", "one is enough")
    return table
