"""MySQL and MariaDB, by PyMySQL.

PyMySQL puts parameters into the text itself, escaped. So the name goes in as hexadecimal
digits, ``_utf8mb4 X'…'``: there is nothing in it to be escaped, whatever the server's modes are.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import DictCursor

from pillarbox.auth.sources.sql.database import Rows
from pillarbox.auth.sources.sql.query import USER
from pillarbox.auth.sources.sql.row import MOST_ROWS
from pillarbox.auth.sources.sql.settings import DatabaseSettings
from pillarbox.auth.sources.sql.url import FaultyUrl

_OPTIONS = {"unix_socket": str, "charset": str, "ssl_cert": str, "ssl_key": str}
"""What an URL may have behind its ``?``."""

_LOST = frozenset(
    {
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        ER.SERVER_SHUTDOWN,
        4031,  # ER_CLIENT_INTERACTION_TIMEOUT
        1927,  # ER_CONNECTION_KILLED of MariaDB
    }
)


class MySql:
    """Implements :class:`pillarbox.auth.sources.sql.database.Driver`.

    Raises:
        FaultyUrl: an option of the URL is unknown.
    """

    failures: tuple[type[Exception], ...] = (pymysql.MySQLError, OSError, UnicodeEncodeError)

    def __init__(self, settings: DatabaseSettings) -> None:
        url = settings.url
        unknown = sorted(url.options.keys() - _OPTIONS.keys())
        if unknown:
            raise FaultyUrl(
                f"has the unknown option {unknown[0]!a}; there are {', '.join(_OPTIONS)}"
            )
        self._given: dict[str, Any] = {
            "user": url.user,
            "password": settings.password or "",
            "database": url.database,
            "charset": "utf8mb4",
            "autocommit": True,
            "init_command": f"SET SESSION sql_select_limit = {MOST_ROWS}",
            "connect_timeout": settings.timeout,
            "read_timeout": settings.timeout,
            "write_timeout": settings.timeout,
            "cursorclass": DictCursor,
            **url.options,
        }
        if url.host is not None:
            self._given["host"] = url.host
        if url.port is not None:
            self._given["port"] = url.port
        if settings.ca is not None:
            self._given |= {
                "ssl_ca": str(settings.ca),
                "ssl_verify_cert": True,
                "ssl_verify_identity": True,
            }

    def __repr__(self) -> str:
        return "<MySql>"

    def connect(self) -> pymysql.Connection[DictCursor]:
        return pymysql.connect(**self._given)

    def rows(self, connection: pymysql.Connection[DictCursor], query: str, user: str) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(query % {USER: _literal(user)})
            return cursor.fetchall()

    def is_lost(self, connection: pymysql.Connection[DictCursor], error: Exception) -> bool:
        code = error.args[0] if error.args else None
        return code in _LOST or not connection.open or isinstance(error, pymysql.InterfaceError)

    def close(self, connection: pymysql.Connection[DictCursor]) -> None:
        with contextlib.suppress(pymysql.MySQLError, OSError):
            connection.close()


def _literal(text: str) -> str:
    """A text of SQL in which nothing is special."""
    return f"_utf8mb4 X'{text.encode().hex()}'"
