"""Mail addresses as settings name them, be it in the file or on a page."""

from __future__ import annotations

MOST_ALIASES = 100
"""Of an account, beside its own: all are offered wherever one writes."""


def is_address(text: str) -> bool:
    """Whether it can be one, without a name."""
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and text.isprintable() and not any(c in text for c in " <>,;")
