"""Where a database is, as an URL: ``postgresql://user@host:port/database?option=value``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

POSTGRESQL, MYSQL = "postgresql", "mysql"
_KINDS = {POSTGRESQL: POSTGRESQL, "postgres": POSTGRESQL, MYSQL: MYSQL, "mariadb": MYSQL}


class FaultyUrl(ValueError):
    """The URL cannot be used; the text says why and what to write."""


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The parts of it; what is not given is the library's to choose."""

    kind: str
    """:data:`POSTGRESQL` or :data:`MYSQL`."""
    user: str | None
    host: str | None
    port: int | None
    database: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> DatabaseUrl:
        """*text* taken apart.

        Raises:
            FaultyUrl.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise FaultyUrl(f"is not an URL ({error})") from None
        if parts.scheme not in _KINDS:
            raise FaultyUrl("is not the URL of a database; write postgresql://… or mysql://…")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.password is not None or "password" in options:
            raise FaultyUrl("holds a password; write it into a file, and its name as password_file")
        database = unquote(parts.path.lstrip("/"))
        if not database:
            raise FaultyUrl("names no database; write postgresql://user@host/database")
        user = unquote(parts.username) if parts.username else None
        kind = _KINDS[parts.scheme]
        host = unquote(parts.hostname) if parts.hostname else None
        return cls(kind, user, host, port, database, options)
