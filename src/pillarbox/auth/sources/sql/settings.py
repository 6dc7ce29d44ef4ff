"""How to reach a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pillarbox.auth.sources.sql.url import DatabaseUrl


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where it is, and how patient to be with it."""

    url: DatabaseUrl
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    """PEM file of the authorities that the server's certificate is verified against: TLS is
    then demanded. None: as the URL's options and the library say."""
    connections: int = 4
    """At once, of each process."""
    timeout: float = 5.0
    """Seconds for an answer, connecting included."""
