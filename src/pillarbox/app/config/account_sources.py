"""Sections for accounts that are kept elsewhere: ``[auth.passwd_file]``, ``[auth.sql]``,
``[auth.ldap]``, ``[auth.pam]``. Each counts when ``auth.sources`` names it.

Passwords of services have no place here: they are in files of their own, so that a
configuration can be shown to anybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

SourceName = Literal["passwd-file", "sql", "ldap", "pam"]

# Longer than this, clients give up themselves.
AnswerSeconds = Annotated[float, Meta(ge=0.1, le=60)]
# Of each worker. A directory or a database has a limit of its own.
Parallel = Annotated[int, Meta(ge=1, le=64)]


class PasswdFileSettings(Struct, frozen=True, kw_only=True):
    """``[auth.passwd_file]``: a passwd-file as Dovecot writes it."""

    path: Path | None = None
    """The file."""
    default_scheme: str = "CRYPT"
    """The scheme of passwords that do not say theirs."""


class SqlSettings(Struct, frozen=True, kw_only=True):
    """``[auth.sql]``: a query to PostgreSQL, MySQL or MariaDB."""

    url: str | None = None
    """``postgresql://user@host/database`` or ``mysql://…``, without a password."""
    password_file: Path | None = None
    """The file with the database's password in its first line."""
    query: str | None = None
    """What to ask: the user's name is ``:user``, the columns ``password``, and if there are
    ``quota_octets`` and ``disabled``."""
    default_scheme: str = "CRYPT"
    """The scheme of passwords that do not say theirs."""
    ca: Path | None = None
    """PEM file of the authorities to verify the database's certificate against."""
    timeout: AnswerSeconds = 5
    """Seconds for an answer."""
    connections: Parallel = 4
    """At once, of each worker."""


class LdapSettings(Struct, frozen=True, kw_only=True):
    """``[auth.ldap]``: a search in a directory, and a bind to prove a password."""

    urls: tuple[str, ...] = ()
    """``ldaps://host``, ``ldap://host`` or ``ldapi://``; several: the first that answers."""
    starttls: bool = True
    """With ``ldap://``: TLS, or no connection."""
    ca: Path | None = None
    """PEM file of the authorities to verify certificates against; not given: the system's."""
    bind_dn: str | None = None
    """As whom to search; not given: anonymously."""
    password_file: Path | None = None
    """The file with the password of that in its first line."""
    base: str | None = None
    """Where to search from."""
    filter: str = "(uid={user})"
    """What to search for."""
    dn: str | None = None
    """Instead of both: where the entry of a user is."""
    quota_attribute: str | None = None
    """Its value is a quota: octets, or like ``1G``."""
    timeout: AnswerSeconds = 5
    """Seconds for an answer."""
    connections: Parallel = 4
    """At once, of each worker."""


class PamSettings(Struct, frozen=True, kw_only=True):
    """``[auth.pam]``: the system's users."""

    service: str = "pillarbox"
    """The name of PAM's configuration: a file in ``/etc/pam.d``."""
    min_uid: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1000
    """Users with smaller numbers have no mail here."""
    exclude: tuple[str, ...] = ()
    """Nor have these."""
    timeout: AnswerSeconds = 10
    """Seconds for an answer."""
    threads: Parallel = 4
    """Questions at once, of each worker."""
