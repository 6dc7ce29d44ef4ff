"""Whose is which section of the file.

The server reads its own and leaves those of ``fetch`` and ``read`` alone, and the other way round. A
section that none of them knows is a fault to all.
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

SUBSECTIONS: tuple[str, ...] = (
    "auth.passwd_file",
    "auth.sql",
    "auth.ldap",
    "auth.pam",
    "auth.oauth",
    "store.s3",
)
"""Sections within those: ``auth.oauth`` is ``[auth.oauth]``. Likewise."""

TABLES: tuple[str, ...] = ("tls.sni",)
"""Lists of tables within sections: ``tls.sni`` is ``[[tls.sni]]``, once for each item."""

DEFAULTS = "defaults"
"""What holds for all accounts to collect, unless an account says otherwise."""
ACCOUNTS = "accounts"
"""One table an account: ``[accounts.NAME]``."""

FETCH_SECTIONS = (DEFAULTS, ACCOUNTS)

READER = "reader"
"""The page of ``pillarbox read``; its accounts are those of ``fetch``."""

READER_SECTIONS = (READER,)
"""The keys of :data:`pillarbox.app.config.reader.SECTIONS`. Likewise."""


def is_server(section: str) -> bool:
    """Whether *section*, or the one that it lies in, is the server's."""
    return section.partition(".")[0] in SERVER_SECTIONS


def within(section: str, key: str, mark: str) -> tuple[str, str]:
    """``(section, key)`` of what stands behind *section*: a key, or a section in it, *mark*, a key."""
    inner, found, rest = key.partition(mark)
    subsection = f"{section}.{inner}"
    return (subsection, rest) if found and subsection in SUBSECTIONS else (section, key)
