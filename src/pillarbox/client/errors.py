"""What can go wrong between a mail client and a server.

::

    ClientError
    ├── InvalidSetting          what was asked for cannot be meant: change it first
    │   ├── InvalidUrl          a URL (of a server or a proxy) that is none
    │   └── UnknownMechanism    a SASL mechanism that nobody here speaks
    ├── Unreachable             name, network or connection fail (``temporary`` or for good)
    │   └── TimedOut            nothing came for too long
    ├── Insecure                TLS was demanded and is not to be had as demanded
    │   └── NotTrusted              a certificate was shown that does not convince, or is not the pinned one
    ├── SignInRefused           the server does not take the credentials
    │   └── SignInFailed        it was not even asked, or it did not prove what it has to
    ├── Refused                 -ERR to a command
    │   ├── InUse               another session has the mailbox
    │   ├── LoginDelayed        the last sign-in was too short a time ago
    │   └── ServerTrouble       the server's own fault (``temporary`` or for good)
    ├── TooLarge                more came than was to be held in memory
    └── OutOfStep               the server broke the protocol: the session is over

Each text (``str(error)``) is a whole sentence for a user: what is wrong, and what to do. What
a server said is quoted there, bounded and printable; no credentials are.
"""

from __future__ import annotations

from typing import ClassVar

from pillarbox.contracts.errors import PillarboxError
from pillarbox.wire.replies import Code
from pillarbox.wire.verbs import Verb

MAX_QUOTED = 200
"""Characters of a server's text that a sentence quotes: enough for any reason that is meant
for people, and too few to flood a terminal or a log."""


def quoted(text: str) -> str:
    """*text* of a server, fit to stand in a sentence: printable, bounded, in quotation marks."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:MAX_QUOTED].strip())
    return f'"{shown}…"' if len(text) > MAX_QUOTED else f'"{shown}"'


class ClientError(PillarboxError):
    """A mailbox could not be reached, opened or read."""


class InvalidSetting(ClientError):
    """What was asked for cannot be meant or cannot be had here; trying again does not help."""


class InvalidUrl(InvalidSetting):
    """A URL of a server or a proxy cannot be understood, or asks for what must not be."""


class UnknownMechanism(InvalidSetting):
    """A SASL mechanism was asked for that is not implemented."""


class Unreachable(ClientError):
    """The server cannot be reached, or the connection to it broke."""

    def __init__(self, message: str, *, temporary: bool = True) -> None:
        super().__init__(message)
        self.temporary = temporary
        """False when only a change of the settings can help: no such host."""


class TimedOut(Unreachable):
    """Nothing came for longer than the time-out."""


class Insecure(ClientError):
    """TLS was demanded and is not to be had; nothing secret has been sent.

    No STLS, a certificate that does not convince, another one than the pinned one, or a
    weaker sign-in than the server offered before.
    """


class NotTrusted(Insecure):
    """The server has shown a certificate, and it does not count; another one, or one that is named, may."""


class SignInRefused(ClientError):
    """The server does not take the credentials; asking the user may help."""

    def __init__(self, code: Code | None, text: str) -> None:
        said = f" (it said {quoted(text)})" if text.strip() else ""
        super().__init__(f"the server refused the sign-in{said}; check the user name and password")
        self.code = code
        self.text = text
        """What the server said, without the code."""


class SignInFailed(SignInRefused):
    """The sign-in broke off on our side: there is no way in common, or the server failed it."""

    def __init__(self, why: str) -> None:
        super().__init__(None, "")
        self.args = (f"the sign-in failed: {why}",)


class TooLarge(ClientError):
    """A message is larger than what was to be held in memory."""


class Refused(ClientError):
    """The server answered ``-ERR``; the session goes on."""

    advice: ClassVar[str] = ""
    """What the code means, and what to do about it."""

    def __init__(self, verb: Verb | None, code: Code | None, text: str) -> None:
        said = f": it said {quoted(text)}" if text.strip() else ""
        advice = f"; {self.advice}" if self.advice else ""
        super().__init__(f"the server refused {verb or 'the connection'}{said}{advice}")
        self.verb = verb
        """None: it did not even greet."""
        self.code = code
        """Why, for programs; None when the server gave no code, or one that is unknown."""
        self.text = text
        """What the server said, without the code."""


class InUse(Refused):
    """Another session has the mailbox (RFC 2449, section 8.1.2)."""

    advice = "another session has the mailbox open: try again when it has ended"


class LoginDelayed(Refused):
    """The last sign-in was too short a time ago (RFC 2449, section 8.1.1)."""

    advice = "the last sign-in was too short a time ago: poll less often"


class ServerTrouble(Refused):
    """The server has trouble of its own (RFC 3206, section 4)."""

    advice = "the server has trouble of its own: try again later, and tell its operator if it lasts"

    @property
    def temporary(self) -> bool:
        """Whether the server expects it to pass without an operator."""
        return self.code is not Code.SYS_PERM


_KINDS: dict[Code | None, type[Refused]] = {
    Code.IN_USE: InUse,
    Code.LOGIN_DELAY: LoginDelayed,
    Code.SYS_TEMP: ServerTrouble,
    Code.SYS_PERM: ServerTrouble,
}


def refusal(verb: Verb | None, code: Code | None, text: str) -> Refused:
    """The error that a ``-ERR`` with *code* is."""
    return _KINDS.get(code, Refused)(verb, code, text)


def sign_in_refusal(verb: Verb, code: Code | None, text: str) -> Refused | SignInRefused:
    """The error that a ``-ERR`` to the last command of a sign-in is.

    Only what has a code that blames something else is not the credentials' fault: most
    servers give no code at all to a wrong password.
    """
    return refusal(verb, code, text) if code in _KINDS else SignInRefused(code, text)


class OutOfStep(ClientError):
    """The server broke the protocol: what its next bytes belong to is unknown.

    The session is over. Nothing that was not confirmed before counts.
    """
