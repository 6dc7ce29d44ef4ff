"""Certificates by server name (RFC 6066, section 3): the name in a hello picks one of those we have.

All contexts are made at the start; a name that a client sends is looked up in a dictionary and
creates nothing (CVE-2017-15130).

Who asks for a name that nobody has gets the default certificate, and decides for itself what to
make of that: older clients send whatever their user wrote, an alias, a name of the inside. A
*strict* table refuses them (``unrecognized_name``), so that a browser which was led here in
another server's name (ALPACA) gets no session. Who asks for no name at all gets the default
certificate in any case.

A session ticket is the first context's, whichever certificate was shown: OpenSSL keeps to the
context that a connection began with. So clients resume across all names and workers.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping

_WILDCARD = "*."


class ByName:
    """An ``sni_callback``.

    Args:
        contexts: by name; ``*.example.org`` is for one label more.
        default_names: those of the certificate that is for all others.
        strict: refuse whoever asks for a name that is in neither.
    """

    def __init__(
        self,
        contexts: Mapping[str, ssl.SSLContext],
        *,
        default_names: Iterable[str] = (),
        strict: bool = False,
    ) -> None:
        known: dict[str, ssl.SSLContext | None] = {_plain(name): None for name in default_names}
        known |= {_plain(name): context for name, context in contexts.items()}
        self._contexts = known
        self._strict = strict

    def __call__(
        self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _first: ssl.SSLContext
    ) -> ssl.AlertDescription | None:
        """Called by OpenSSL with the hello's name; what it returns ends the handshake."""
        if name is None:
            return None
        found, context = self.find(name)
        if context is not None:
            connection.context = context
        elif self._strict and not found:
            return ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    def find(self, name: str) -> tuple[bool, ssl.SSLContext | None]:
        """Whether *name* is known, and its context; None: the default. The whole name counts
        before a wildcard.
        """
        plain = _plain(name)
        for key in (plain, _WILDCARD + plain.partition(".")[2]):
            if key in self._contexts:
                return True, self._contexts[key]
        return False, None


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
