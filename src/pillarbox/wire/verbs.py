"""The names of the commands."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """A command's keyword."""

    APOP = "APOP"
    AUTH = "AUTH"
    CAPA = "CAPA"
    DELE = "DELE"
    LANG = "LANG"
    LIST = "LIST"
    NOOP = "NOOP"
    PASS = "PASS"  # noqa: S105 -- a keyword, not a password
    QUIT = "QUIT"
    RETR = "RETR"
    RSET = "RSET"
    STAT = "STAT"
    STLS = "STLS"
    TOP = "TOP"
    UIDL = "UIDL"
    USER = "USER"
    UTF8 = "UTF8"
