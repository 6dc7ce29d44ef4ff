"""What the wire core refuses, and whose mistake it was.

::

    WireError
    ├── RemoteProtocolError     the peer broke the protocol
    │   ├── LineTooLong         a line that does not end within the limit: close
    │   ├── OutOfStep           what a server said cannot be a reply to what was asked: close
    │   │   └── Farewell        -ERR to nothing: how servers end a session by themselves
    │   └── CommandRefused      one command that cannot be carried out: -ERR, go on
    └── LocalProtocolError      our own shell misused a machine: a bug
"""

from __future__ import annotations


class WireError(Exception):
    """The root of all errors of ``wire``."""


class RemoteProtocolError(WireError):
    """The peer broke the protocol."""


class LineTooLong(RemoteProtocolError):
    """More than the limit came without a line end: where the next line begins is unknown."""


class OutOfStep(RemoteProtocolError):
    """What came cannot be a reply to what was asked; from here on nothing can be trusted."""


class Farewell(OutOfStep):
    """``-ERR`` though nothing was asked: so say servers that end a session by themselves."""


class CommandRefused(RemoteProtocolError):
    """One command cannot be carried out; the text is fit for the peer."""


class LocalProtocolError(WireError):
    """A machine was used against its contract; never the peer's doing."""
