"""What has to be known of a cluster before anything is asked of it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from pillarbox.database.database import CONNECTIONS
from pillarbox.store.cluster.object_settings import ObjectSettings

LEASE_SECONDS = 30.0
"""So long a maildrop stays locked when the machine that has it open is gone. Shorter ones are lost when
the database takes as long to come back; each process renews its own three times in this time."""
INLINE_BYTES = 32 * 1024
"""Bodies up to this size are rows of the database: most mail, and a small part of its octets."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """How a node finds its cluster, and what it does there."""

    database: str = field(repr=False)
    """``postgresql://user:password@host:port/name``."""
    connections: int = CONNECTIONS
    """To the database, of each process at the most; one more renews its leases."""
    lease_seconds: float = LEASE_SECONDS
    inline_bytes: int = INLINE_BYTES
    node: str = field(default_factory=socket.gethostname)
    """What this machine is called, for operators."""
    objects: ObjectSettings | None = None
    """Where larger bodies are; None: all of them are in the database, and read whole."""
