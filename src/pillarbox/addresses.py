"""Mail addresses as settings name them, be it in the file or on a page."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"[^"]*"')
"""Between quotation marks there may be an @, too (RFC 5321, section 4.1.2)."""

MOST_ALIASES = 100
"""Of an account, beside its own: all are offered wherever one writes."""


def is_address(text: str) -> bool:
    """Whether it can be one, without a name."""
    local, _, domain = text.rpartition("@")
    if not local or not domain or ("@" in local and not _QUOTED.fullmatch(local)):
        return False
    return text.isprintable() and not any(c in text for c in " <>,;")
