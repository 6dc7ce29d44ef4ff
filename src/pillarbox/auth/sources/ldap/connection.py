"""Speaking with a directory, by python-ldap. Everything here blocks: call it on a thread.

Each thread has two connections: one that is bound as the service and searches, and one that is
bound as whoever has to be proved. Both are kept, and made anew when they are found broken.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import ldap

from pillarbox.auth.sources.ldap.entry import Attributes

MAX_REASON_CHARACTERS = 300
"""Of what a directory says about a failure."""

MOST_ENTRIES = 2
"""That a search may find: one is a user, a second says that it is none."""

T = TypeVar("T")

# fmt: off
_REFUSALS = (
    # what a bind fails with when it is the user's fault (RFC 4511, appendix A)
    ldap.INVALID_CREDENTIALS,    # the usual one, whatever the cause
    ldap.INAPPROPRIATE_AUTH,     # the entry has no password
    ldap.CONSTRAINT_VIOLATION,   # 389: too many failures
    ldap.UNWILLING_TO_PERFORM,   # 389: the account is locked
    ldap.INSUFFICIENT_ACCESS,
    ldap.NO_SUCH_OBJECT,         # the entry has just been removed
)
_LOST = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.TIMEOUT)
# fmt: on


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """How to reach a directory."""

    urls: Sequence[str]
    """``ldaps://``, ``ldap://`` or ``ldapi://``; the first that answers."""
    starttls: bool = True
    """With ``ldap://``: TLS from the beginning on, or no connection."""
    ca: Path | None = None
    """PEM file of the authorities that certificates are verified against; None: the system's."""
    bind_dn: str | None = None
    """As whom to search; None: anonymously."""
    password: str | None = field(default=None, repr=False)
    timeout: float = 5.0
    """Seconds for an answer, connecting included."""
    connections: int = 4
    """Threads at once, of each process."""


class Trouble(Exception):
    """The directory cannot be asked now; the text says why."""


class Connections:
    """The connections of the threads that call."""

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self._kept = threading.local()

    def search(
        self, base: str, scope: int, pattern: str, attributes: list[str]
    ) -> list[tuple[str, Attributes]]:
        """The entries found, with their DNs: no more than :data:`MOST_ENTRIES`.

        Raises:
            Trouble: this cannot be said now. (A *base* that is not there finds nothing when
                *scope* is that one entry.)
        """

        def ask(connection: Any) -> list[tuple[str, Attributes]]:
            found = connection.search_ext_s(
                base,
                scope,
                pattern,
                attributes,
                timeout=self._settings.timeout,
                sizelimit=MOST_ENTRIES,
            )
            return [(dn, values) for dn, values in found if dn is not None]  # no referrals

        try:
            return self._with("searching", self._bound, ask)
        except ldap.SIZELIMIT_EXCEEDED:
            raise Trouble("the search finds several entries for one user") from None
        except ldap.NO_SUCH_OBJECT as error:
            if scope == ldap.SCOPE_BASE:
                return []
            raise Trouble(f"there is no {base}: {reason(error)}") from None
        except ldap.LDAPError as error:
            raise Trouble(f"cannot search: {reason(error)}") from None

    def opens(self, dn: str, password: str) -> bool:
        """Whether *password* is that of the entry *dn*.

        A bind without a DN or without a password proves nothing: a directory lets anybody do
        it (RFC 4513, sections 5.1.1 and 5.1.2).

        Raises:
            Trouble: this cannot be said now.
        """
        if not dn or not password:
            return False
        secret = password.encode("utf-8", "surrogateescape")

        def bind(connection: Any) -> bool:
            try:
                connection.simple_bind_s(dn, secret)
            except _REFUSALS:
                return False
            return True

        try:
            return self._with("proving", self._open, bind)
        except ldap.LDAPError as error:
            raise Trouble(f"cannot bind as a user: {reason(error)}") from None

    def hang_up(self) -> None:
        """End the connections of this thread."""
        for purpose in list(vars(self._kept)):
            self._drop(purpose)

    def _with(self, purpose: str, make: Callable[[], Any], work: Callable[[Any], T]) -> T:
        """What *work* returns; with another connection when the one that was kept is lost."""
        kept = getattr(self._kept, purpose, None)
        if kept is not None:
            try:
                return work(kept)
            except _LOST:
                self._drop(purpose)
        connection = make()
        setattr(self._kept, purpose, connection)
        try:
            return work(connection)
        except _LOST:
            self._drop(purpose)
            raise

    def _drop(self, purpose: str) -> None:
        connection = getattr(self._kept, purpose)
        delattr(self._kept, purpose)
        _end(connection)

    def _bound(self) -> Any:
        """A connection for searches."""
        settings = self._settings
        connection = self._open()
        try:
            if settings.bind_dn is not None:
                connection.simple_bind_s(settings.bind_dn, settings.password)
        except _REFUSALS as error:
            _end(connection)
            raise Trouble(f"refuses {settings.bind_dn}: {reason(error)}") from None
        except ldap.LDAPError:
            _end(connection)
            raise
        return connection

    def _open(self) -> Any:
        """A connection, encrypted if it has to be, and bound as nobody."""
        settings = self._settings
        connection = ldap.initialize(" ".join(settings.urls))
        try:
            self._set_options(connection)
            if settings.starttls and any(url.startswith("ldap:") for url in settings.urls):
                connection.start_tls_s()
        except ldap.LDAPError:
            _end(connection)
            raise
        return connection

    def _set_options(self, connection: Any) -> None:
        settings = self._settings
        connection.protocol_version = ldap.VERSION3
        connection.set_option(ldap.OPT_REFERRALS, 0)  # else the bind's password goes there, too
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, settings.timeout)
        connection.set_option(ldap.OPT_TIMEOUT, settings.timeout)
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        if settings.ca is not None:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(settings.ca))
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)  # the end of TLS options: use them


def _end(connection: Any) -> None:
    with contextlib.suppress(ldap.LDAPError):
        connection.unbind_s()


def reason(error: ldap.LDAPError) -> str:
    """What the directory or the library says, in one line."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    parts = (str(told[key]) for key in ("desc", "info") if told.get(key))
    text = " ".join(": ".join(parts).split()) or type(error).__name__
    return text[:MAX_REASON_CHARACTERS]
