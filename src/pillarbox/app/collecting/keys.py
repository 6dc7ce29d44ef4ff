"""Every setting of an account to collect: one row a key, for the file and the command line.

A row says how a value is read. Reading is strict about types in the file (``keep = "no"`` is
a fault), while what comes from the command line or the environment is a text and is read as
TOML would read it, quotes left out.

Nothing here is a class of the server's configuration: importing what checks that takes longer
than a whole poll.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

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


def _wrong(value: Any, words: str) -> Wrong:
    return Wrong(f"{show(value)} will not do", f"write {words}")


def _text(words: str) -> Read:
    def read(value: Any, _base: Path) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise _wrong(value, words)
        return value.strip()

    return read


def _url(value: Any, _base: Path) -> str:
    """The text of one that can be understood; :mod:`.recipe` knows whether TLS is demanded."""
    url: str = _text('a URL in quotes, like "pop3s://alice@mail.example.org"')(value, _base)
    try:
        Endpoint.parse(url)
    except InvalidSetting as error:
        raise _of_sentence(error) from None
    return url


def _flag(value: Any, _base: Path) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, "true or false")
    return value


def _days(value: Any, _base: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= DAYS:
        raise _wrong(value, f"a whole number of days from 0 to {DAYS}")
    return value


def _seconds(value: Any, _base: Path) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 1 <= value <= LONGEST_TIMEOUT:
        raise _wrong(value, f"a number of seconds from 1 to {LONGEST_TIMEOUT:.0f}")
    return float(value)


def _size(value: Any, _base: Path) -> int:
    octets = 0
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            octets = parse_size(str(value))
        except ValueError:
            octets = 0
    if octets < 1:
        raise _wrong(value, 'octets, or a size like "10M"')
    return octets


def _path(value: Any, base: Path) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _wrong(value, "a path in quotes")
    try:
        return base / Path(value).expanduser()
    except RuntimeError:
        raise Wrong(f'"{value}" names no home folder', "write the path in full") from None


def _words(value: Any, _base: Path) -> tuple[str, ...]:
    """A command, in words."""
    if not isinstance(value, str) or "\0" in value:
        raise _wrong(value, "a command in quotes")
    try:
        words = words_of(value)
    except ValueError as error:
        raise Wrong(f"is no command: {str(error).lower()}", "close what is open") from None
    if not words:
        raise Wrong("is an empty command", "name the program that prints the password")
    return tuple(words)


def _destination(value: Any, base: Path) -> Target:
    if not isinstance(value, str):
        raise _wrong(value, 'a destination in quotes, like "maildir:~/Mail"')
    try:
        return parse_destination(value, base)
    except InvalidDestination as error:
        raise _of_sentence(error) from None


def _fingerprint(value: Any, _base: Path) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "the SHA-256 of the certificate in quotes")
    try:
        return normal_fingerprint(value)
    except InvalidSetting as error:
        raise _of_sentence(error) from None


def _proxy(value: Any, _base: Path) -> str:
    if not isinstance(value, str):  # not shown: it may hold a password
        raise Wrong("is no URL", 'write one like "socks5://127.0.0.1:1080"')
    from pillarbox.client.through_proxy import Proxy  # noqa: PLC0415 -- few have one

    try:
        Proxy.parse(value)
    except InvalidSetting as error:
        raise _of_sentence(error) from None
    return value


def _of_sentence(error: Exception) -> Wrong:
    problem, _, hint = str(error).partition("; ")
    return Wrong(problem, hint)


def _oauth2(value: Any, base: Path) -> dict[str, Any]:
    """The table ``oauth2``; whether it is enough is for the provider's row to say."""
    if not isinstance(value, dict):
        raise _wrong(value, 'a table like { provider = "microsoft", client_id = "…" }')
    read = {"client_secret_command": _words}
    table = {}
    for key, one in value.items():
        if key not in OAUTH2_KEYS:
            near = nearest(key, OAUTH2_KEYS)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(OAUTH2_KEYS)}"
            raise Wrong(f'"{key}" is not known in it', hint)
        # A secret is not shown, whatever is wrong with it.
        if key == "client_secret" and not isinstance(one, str):
            raise Wrong("its client_secret is not a text in quotes")
        table[key] = read.get(key, _text(f"{key} as a text in quotes"))(one, base)
    if "provider" not in table:
        raise Wrong("it names no provider", 'write provider = "microsoft", "google", or another')
    if "client_secret" in table and "client_secret_command" in table:
        raise Wrong("it has client_secret and client_secret_command", "one is enough")
    return table


class Key(NamedTuple):
    """One row."""

    read: Read
    is_text: bool = True
    """As a text of the command line it needs no quotes, and nothing else can be meant."""


# fmt: off
KEYS: dict[str, Key] = {
    "url":               Key(_url),
    "to":                Key(_destination),
    "recipient":         Key(_text("an address in quotes")),
    "keep":              Key(_flag, is_text=False),
    "keep_days":         Key(_days, is_text=False),
    "max_size":          Key(_size),
    "password_command":  Key(_words),
    "oauth2":            Key(_oauth2, is_text=False),
    "auth":              Key(_text('the name of a SASL mechanism in quotes, like "PLAIN"')),
    "ca":                Key(_path),
    "fingerprint":       Key(_fingerprint),
    "client_cert":       Key(_path),
    "insecure_cleartext": Key(_flag, is_text=False),
    "proxy":             Key(_proxy),
    "timeout":           Key(_seconds, is_text=False),
}
# fmt: on

ONE_OF = (("keep", "keep_days"), ("password_command", "oauth2"))
"""Settings that say different things about the same: one place says at most one of them, and
the strongest place that says any of them counts alone."""


def read_value(key: str, value: Any, base: Path, *, as_text: bool) -> Any:
    """The value of *key* as it is used.

    Raises:
        Wrong: it will not do.
    """
    row = KEYS[key]
    if as_text:
        value = _unquoted(value) if row.is_text else _as_toml(value)
    return row.read(value, base)


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _as_toml(text: str) -> Any:
    """What TOML makes of *text*; itself if that is nothing."""
    import tomllib  # noqa: PLC0415 -- seldom needed

    try:
        return tomllib.loads(f"v = {text}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
