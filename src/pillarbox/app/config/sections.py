"""Whose is which section of the file.

The server reads its own and leaves those of ``fetch`` alone, and the other way round. A
section that neither knows is a fault to both.
"""

from __future__ import annotations

SERVER_SECTIONS = (
    "server",
    "listen",
    "tls",
    "auth",
    "store",
    "delivery",
    "retention",
    "limits",
)
"""The keys of :data:`pillarbox.app.config.settings.SECTIONS`, without the cost of importing it."""

DEFAULTS = "defaults"
"""What holds for all accounts to collect, unless an account says otherwise."""
ACCOUNTS = "accounts"
"""One table an account: ``[accounts.NAME]``."""

FETCH_SECTIONS = (DEFAULTS, ACCOUNTS)
