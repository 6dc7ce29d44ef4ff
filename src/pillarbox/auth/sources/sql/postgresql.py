"""PostgreSQL, by psycopg. The user's name travels beside the query, in a message of its own."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pillarbox.auth.sources.sql.database import Rows
from pillarbox.auth.sources.sql.query import USER
from pillarbox.auth.sources.sql.row import MOST_ROWS
from pillarbox.auth.sources.sql.settings import DatabaseSettings
from pillarbox.auth.sources.sql.url import FaultyUrl

_FEWEST_SECONDS = 2
"""libpq takes no shorter ``connect_timeout``."""


class PostgreSql:
    """Implements :class:`pillarbox.auth.sources.sql.database.Driver`.

    Raises:
        FaultyUrl: libpq does not know an option of the URL.
    """

    failures: tuple[type[Exception], ...] = (psycopg.Error, UnicodeEncodeError)

    def __init__(self, settings: DatabaseSettings) -> None:
        url = settings.url
        self._milliseconds = milliseconds = math.ceil(settings.timeout * 1000)
        given: dict[str, Any] = {
            "application_name": "pillarbox",
            "connect_timeout": max(_FEWEST_SECONDS, math.ceil(settings.timeout)),
            "tcp_user_timeout": milliseconds,
            "user": url.user,
            "host": url.host,
            "port": url.port,
            "dbname": url.database,
            "password": settings.password,
            **url.options,
        }
        if settings.ca is not None:
            given |= {"sslmode": "verify-full", "sslrootcert": str(settings.ca)}
        try:
            self._conninfo = psycopg.conninfo.make_conninfo("", **given)
        except psycopg.Error:
            raise FaultyUrl("has an option that PostgreSQL does not know") from None

    def __repr__(self) -> str:
        return "<PostgreSql>"

    def connect(self) -> psycopg.Connection[dict[str, Any]]:
        connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=None,  # a pooler between may give each query another connection
        )
        # Not by the option -c of the connection, which poolers refuse.
        connection.execute(b"SET statement_timeout = %d" % self._milliseconds)
        return connection

    def rows(self, connection: psycopg.Connection[dict[str, Any]], query: str, user: str) -> Rows:
        with connection.cursor() as cursor:
            return list(islice(cursor.stream(query.encode(), {USER: user}), MOST_ROWS))

    def is_lost(self, connection: psycopg.Connection[dict[str, Any]], error: Exception) -> bool:
        del error
        return connection.closed

    def close(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        connection.close()
