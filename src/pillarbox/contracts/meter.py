"""Counting what happens, without knowing who reads the counters."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Receives events; must be quick and must not raise."""

    def session_began(self, door: str) -> None:
        """A client connected; *door* is the listener: ``pop3``, ``pop3s``."""

    def session_ended(
        self, door: str, reason: str, *, retrieved: int, octets: int, deleted: int
    ) -> None:
        """A session is over: messages and octets sent by RETR, messages removed by QUIT."""

    def connection_refused(self, door: str, reason: str) -> None:
        """A connection was turned away before a greeting (a limit was reached)."""

    def signed_in(self, mechanism: str, outcome: str) -> None:
        """A sign-in was answered; *outcome*: ``ok``, ``refused``, ``in-use``, ``too-soon``,
        ``put-off`` (not checked, too many came first), ``error``.
        """

    def sign_in_delayed(self, by: str) -> None:
        """A sign-in waits before it is checked, for what was failed *by* ``address``, or at the
        ``account``.
        """

    def delivered(self, door: str, outcome: str, octets: int) -> None:
        """One recipient of one message was answered; *door*: ``lmtp``, ``smtp``;
        *outcome*: ``stored``, ``refused``, ``deferred``.
        """

    def swept(self, outcome: str, *, messages: int = 0, octets: int = 0, absent: int = 0) -> None:
        """Retention was applied: *outcome* is ``ok`` or ``failed``; messages removed, and views
        that no longer hold mail back.
        """


class NullMeter:
    """Counts nothing."""

    def session_began(self, door: str) -> None: ...
    def session_ended(
        self, door: str, reason: str, *, retrieved: int, octets: int, deleted: int
    ) -> None: ...
    def connection_refused(self, door: str, reason: str) -> None: ...
    def signed_in(self, mechanism: str, outcome: str) -> None: ...
    def sign_in_delayed(self, by: str) -> None: ...
    def delivered(self, door: str, outcome: str, octets: int) -> None: ...
    def swept(
        self, outcome: str, *, messages: int = 0, octets: int = 0, absent: int = 0
    ) -> None: ...
