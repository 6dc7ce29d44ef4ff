"""Every setting of an account to collect: one row a key, for the file and the command line.

A row says how a value is read (:mod:`.values`). Reading is strict about types in the file (``keep = "no"`` is
a fault), while what comes from the command line or the environment is a text and is read as
TOML would read it, quotes left out.

What the reader's page needs to know of an account (as whom one writes, where it leaves) stands here, too:
``pillarbox fetch`` reads it, and has no use for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.app.collecting import sending_values, values
from pillarbox.app.collecting.values import OAUTH2_KEYS, Read, Wrong

__all__ = ["KEYS", "OAUTH2_KEYS", "ONE_OF", "Key", "Wrong", "read_value"]


class Key(NamedTuple):
    """One row."""

    read: Read
    is_text: bool = True
    """As a text of the command line it needs no quotes, and nothing else can be meant."""


# fmt: off
KEYS: dict[str, Key] = {
    "url":               Key(values.url),
    "to":                Key(values.destination),
    "recipient":         Key(values.text("an address in quotes")),
    "keep":              Key(values.flag, is_text=False),
    "keep_days":         Key(values.days, is_text=False),
    "max_size":          Key(values.size),
    "password_command":  Key(values.words),
    "password_file":     Key(values.path),
    "oauth2":            Key(values.oauth2, is_text=False),
    "auth":              Key(values.text('the name of a SASL mechanism in quotes, like "PLAIN"')),
    "ca":                Key(values.path),
    "fingerprint":       Key(values.fingerprint),
    "client_cert":       Key(values.path),
    "insecure_cleartext": Key(values.flag, is_text=False),
    "proxy":             Key(values.proxy),
    "timeout":           Key(values.seconds, is_text=False),
    # For the reader.
    "from":              Key(sending_values.address),
    "aliases":           Key(sending_values.addresses, is_text=False),
    "name":              Key(values.text("a name in quotes")),
    "signature":         Key(sending_values.signature),
    "smtp":              Key(sending_values.smtp),
    "smtp_auth":         Key(values.flag, is_text=False),
    "smtp_password_command": Key(values.words),
    "smtp_password_file": Key(values.path),
    "smtp_ca":           Key(values.path),
    "smtp_fingerprint":  Key(values.fingerprint),
    "smtp_insecure_cleartext": Key(values.flag, is_text=False),
}
# fmt: on

ONE_OF = (
    ("keep", "keep_days"),
    ("password_command", "oauth2"),
    ("password_command", "password_file"),
    ("password_file", "oauth2"),
    ("smtp_password_command", "smtp_password_file"),
)
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
