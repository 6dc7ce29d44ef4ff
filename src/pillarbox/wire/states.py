"""The states of a POP3 session, and the one table that says how they follow.

Two rules govern everything:

1. The state changes only when a *reply* is given (or, for QUIT, when the command is taken:
   that is what enters UPDATE). Never because bytes arrived.
2. Whatever is not in the table leaves the state as it is.

::

                       STLS +OK
    ┌───────────────┐ ─────────► ┌───────────┐
    │ AUTHORIZATION │            │ HANDSHAKE │
    └───────────────┘ ◄───────── └───────────┘
      │  ▲  │  ▲ │  ▲  secured
      │  │  │  │ │  └── -ERR ──┐
      │  │  │  │ └─ AUTH "+" ─ SASL ── +OK ─┐
      │  │  │  └─ -ERR ─┐                   ▼
      │  │  └─ USER +OK ─ NAMED ─ PASS +OK ► TRANSACTION ── QUIT ► UPDATE
      │  └──── APOP, AUTH -ERR                   ▲                   │
      ├─────── APOP, AUTH +OK ───────────────────┘                   │
      └─────── QUIT ──────────────► CLOSED ◄─────────────────────────┘

RFC 1939, sections 4 to 6; RFC 2595, section 4 (STLS); RFC 5034, section 4 (AUTH).
"""

from __future__ import annotations

from enum import StrEnum, auto

from pillarbox.wire.verbs import Verb


class State(StrEnum):
    """Where a session stands."""

    AUTHORIZATION = auto()
    NAMED = auto()
    """AUTHORIZATION, and a USER has been accepted: PASS may come."""
    SASL = auto()
    """AUTHORIZATION, inside an AUTH exchange: the next line is a response, not a command."""
    HANDSHAKE = auto()
    """AUTHORIZATION, STLS has been accepted: nothing is understood until TLS is up."""
    TRANSACTION = auto()
    UPDATE = auto()
    CLOSED = auto()


class Outcome(StrEnum):
    """What a reply says of its command."""

    OK = auto()
    ERR = auto()
    CHALLENGE = auto()
    """A SASL server challenge: the command is not finished."""


_SIGN_IN = {
    Outcome.OK: State.TRANSACTION,
    Outcome.ERR: State.AUTHORIZATION,
    Outcome.CHALLENGE: State.SASL,
}
_LEAVE = {Outcome.OK: State.CLOSED, Outcome.ERR: State.CLOSED}
_NAME = {Outcome.OK: State.NAMED, Outcome.ERR: State.AUTHORIZATION}
_SECURE = {Outcome.OK: State.HANDSHAKE}

ON_COMMAND: dict[tuple[State, Verb], State] = {
    (State.TRANSACTION, Verb.QUIT): State.UPDATE,
}
"""The state that taking a command enters, before it is answered."""

ON_REPLY: dict[tuple[State, Verb], dict[Outcome, State]] = {
    (State.AUTHORIZATION, Verb.USER): _NAME,
    (State.AUTHORIZATION, Verb.APOP): _SIGN_IN,
    (State.AUTHORIZATION, Verb.AUTH): _SIGN_IN,
    (State.AUTHORIZATION, Verb.STLS): _SECURE,
    (State.AUTHORIZATION, Verb.QUIT): _LEAVE,
    (State.NAMED, Verb.USER): _NAME,
    (State.NAMED, Verb.PASS): _SIGN_IN,
    (State.NAMED, Verb.APOP): _SIGN_IN,
    (State.NAMED, Verb.AUTH): _SIGN_IN,
    (State.NAMED, Verb.STLS): _SECURE,
    (State.NAMED, Verb.QUIT): _LEAVE,
    (State.SASL, Verb.AUTH): _SIGN_IN,
    (State.UPDATE, Verb.QUIT): _LEAVE,
}
"""The state that a reply leads to."""
