"""Where the reader stands on the network, and who may come in there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pillarbox.reader.web.entrances import Entrances
from pillarbox.reader.web.password import Password
from pillarbox.reader.web.sessions import Sessions

_HTTPS_PORT, _HTTP_PORT = 443, 80


@dataclass(frozen=True, slots=True)
class Door:
    """One port, by the names that it may be called by."""

    names: frozenset[str]
    """Hosts as they stand in a URL, in small letters: ``127.0.0.1``, ``[::1]``, ``mail.example.org``,
    ``*.example.org``. Whoever calls it otherwise has been led here by a DNS server that lies (DNS rebinding)."""
    port: int
    entrances: Entrances
    csrf: str
    """What is sent with each change. The same over restarts, so that open pages can go on."""
    password: Password | None = None
    """None: only who has an entrance comes in."""
    secure: bool = False
    """TLS."""
    sessions: Sessions = field(default_factory=Sessions)
    own: int = field(default_factory=os.getuid)
    """The user whose mail it is."""

    @property
    def scheme(self) -> str:
        return "https" if self.secure else "http"

    @property
    def cookie(self) -> str:
        """Its name. Cookies go to all ports of a host: each has its own."""
        return f"{'__Host-' if self.secure else ''}pillarbox-{self.port}"

    def is_called(self, host: str) -> bool:
        """Whether *host*, of a Host field, is this door."""
        name, colon, port = host.lower().rpartition(":")
        if not colon or port.endswith("]"):
            name, port = host.lower(), str(_HTTPS_PORT if self.secure else _HTTP_PORT)
        if port != str(self.port):
            return False
        return name in self.names or f"*.{name.partition('.')[2]}" in self.names

    def url(self, name: str) -> str:
        """Its root, by one of its names."""
        usual = _HTTPS_PORT if self.secure else _HTTP_PORT
        return f"{self.scheme}://{name}" + ("" if self.port == usual else f":{self.port}")
