"""``[store]`` and ``[store.s3]``: where mail and accounts are kept.

Each key with a password in it has a sibling that names a file instead, so that a configuration can
be shown to anybody; what is written here plainly is for environment variables, and for trying out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

# A lease is renewed three times in its life, by one statement of each process.
LeaseSeconds = Annotated[float, Meta(ge=1, le=3600)]
# A row of a database is no place for more; SQL sends it as a whole.
InlineOctets = Annotated[int, Meta(ge=0, le=16 * 1024 * 1024)]
# Of each worker. The database has a limit of its own, for all nodes together.
Connections = Annotated[int, Meta(ge=1, le=1000)]


class StoreSettings(Struct, frozen=True, kw_only=True):
    """``[store]``: the engine, and where it keeps things."""

    engine: Literal["embedded", "cluster"] = "embedded"
    """The storage engine: ``embedded`` needs nothing but a folder, ``cluster`` shares a database
    (and an object store) among any number of nodes."""
    path: Path = Path("/var/lib/pillarbox")
    """The folder of mail and accounts. One default for everybody, root or not: a command
    must never quietly work on another store than the server's. A node of a cluster keeps its
    counters there while it runs, and nothing that is missed."""
    database: str | None = None
    """``postgresql://user@host/database``, with or without a password, and libpq's options."""
    database_password_file: Path | None = None
    """The file with the database's password in its first line."""
    objects: str | None = None
    """``s3://bucket/prefix``, for bodies above ``inline_octets``; none: all are in the database."""
    lease_seconds: LeaseSeconds = 30
    """So long the locks of a node that died, or was cut off, keep everybody else out."""
    inline_octets: InlineOctets = 32_768
    """Bodies up to this size are kept in the database, larger ones in the object store."""
    connections: Connections = 8
    """Connections to the database, of each worker."""

    @property
    def is_shared(self) -> bool:
        """Whether several machines share mail and accounts."""
        return self.engine == "cluster"


class S3Settings(Struct, frozen=True, kw_only=True):
    """``[store.s3]``: the object store of ``store.objects``."""

    endpoint: str | None = None
    """Its URL; not given: Amazon's, of ``region``."""
    region: str = "us-east-1"
    """As it calls itself; many that are not Amazon's do not care."""
    access_key: str | None = None
    """The name of the key. Neither it nor the secret: what the machine itself has been given."""
    access_key_file: Path | None = None
    """The file with it in its first line."""
    secret_key: str | None = None
    """The secret."""
    secret_key_file: Path | None = None
    """The file with it in its first line."""
    ca: Path | None = None
    """PEM file of authorities to verify its certificate against, beside those the system knows."""
