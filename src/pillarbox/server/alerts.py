"""The alert that says why a handshake failed (RFC 8446, section 6.2) really goes out.

OpenSSL writes it, but asyncio and uvloop close a connection whose handshake fails without sending
what is left to send. The client would see a connection that ends, and its user would be told of a
broken network instead of a missing certificate, a wrong name, or a version that is too old.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from contextvars import ContextVar

_descriptor: ContextVar[int | None] = ContextVar("descriptor", default=None)


def alerts_to(descriptor: int | None) -> None:
    """From here on, alerts of handshakes that begin in this context go to a socket's *descriptor*.

    The event loop runs the handshake in a copy of the context that ``start_tls`` was called in.
    """
    _descriptor.set(descriptor)


class _Alerting(ssl.SSLObject):
    """One connection's TLS."""

    outgoing: ssl.MemoryBIO
    descriptor: int | None

    def do_handshake(self) -> None:
        """See :meth:`ssl.SSLObject.do_handshake`."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            self._alert()
            raise

    def _alert(self) -> None:
        """Whatever came before it has left: a client that failed had to answer it."""
        alert = self.outgoing.read()
        if alert and self.descriptor is not None:
            with contextlib.suppress(OSError):  # the client is gone, or does not read
                os.write(self.descriptor, alert)


class AlertingContext(ssl.SSLContext):
    """A context whose handshakes send their alerts."""

    sslobject_class = _Alerting

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 -- the library's
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See :meth:`ssl.SSLContext.wrap_bio`."""
        found = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(found, _Alerting)  # noqa: S101 -- by the class that was asked for
        found.outgoing = outgoing
        found.descriptor = _descriptor.get()
        return found
