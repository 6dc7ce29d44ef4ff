"""Settings that belong to capabilities which this version does not have.

They are known by name, so that a configuration written for a later version is refused
with the reason. Ignoring them would be worse than an error: mail would be kept elsewhere
than the file says, say.
"""

from __future__ import annotations

from typing import Any

_ENGINES = {"maildir": "serving Maildir folders"}


def later_value(section: str, key: str, value: Any) -> tuple[str, str, str] | None:
    """``(value in words, what it will be for, what to write now)``, or None if it is none."""
    match section, key:
        case "store", "engine" if isinstance(value, str) and value in _ENGINES:
            return f'"{value}"', _ENGINES[value], 'write "embedded"'
        case "store", "path" if isinstance(value, str) and "{user}" in value:
            return f'"{value}"', _ENGINES["maildir"], "write one folder for all mail"
        case "limits", "sessions_per_user" if type(value) is int and value > 1:
            return f"{value}", "several sessions of one maildrop", "write 1"
    return None
