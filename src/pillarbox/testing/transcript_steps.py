"""What a transcript consists of: a setting, and steps, as plain frozen values.

:mod:`pillarbox.testing.transcript` reads them from a file,
:mod:`pillarbox.testing.transcript_player` plays them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ACCOUNT = ("mrose", "tanstaaf")
STAGES = ("core", "memory", "process")


@dataclass(frozen=True, slots=True)
class GivenMessage:
    """A message that is in a maildrop before the dialogue begins."""

    user: str
    content: bytes
    """As it was delivered: any line ends, not stuffed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The world in which a transcript is played."""

    accounts: tuple[tuple[str, str], ...] = ()
    """Names and passwords; the first is the one that ``then maildrop holds`` speaks of."""
    messages: tuple[GivenMessage, ...] = ()
    port: str | None = None
    """``pop3``, ``pop3s``; None: the dialogue reads the same on both, once TLS is on."""
    cleartext: str = "loopback"
    certificate: bool = True
    """Whether STLS can be offered."""
    client: str = "127.0.0.1"
    apop: bool = False
    login_delay: int = 0
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    tokens: bool = False
    """Access tokens can be checked: ``token-of-NAME`` is NAME's."""
    client_identities: tuple[str, ...] = ()
    """The names in the certificate that the client shows when TLS is put on."""
    held: bool = False
    """Another session has the first account's maildrop open."""
    signed_in: bool = False
    """The dialogue begins in TRANSACTION: greeting, USER and PASS are played before it."""
    stages: tuple[str, ...] = STAGES
    """Where it can be played; a real process cannot lose a body on demand, for one."""

    @property
    def first_user(self) -> str:
        return self.credentials[0][0]

    @property
    def credentials(self) -> tuple[tuple[str, str], ...]:
        return self.accounts or (DEFAULT_ACCOUNT,)


@dataclass(frozen=True, slots=True)
class Say:
    """The client sends this (escapes and braces not yet resolved when ``raw`` is false)."""

    text: str
    exact: bool
    """True: escapes are resolved and no CRLF is added."""


@dataclass(frozen=True, slots=True)
class Act:
    """The client does something to the connection: tls, cut, end, connect."""

    what: str


@dataclass(frozen=True, slots=True)
class Hear:
    """The server sends one line, or exactly these bytes."""

    text: str
    exact: bool


@dataclass(frozen=True, slots=True)
class HearMessage:
    """The server sends a message, as a body on the line, without the final dot."""

    number: int
    lines: int | None
    """How many lines of the body TOP was asked for; None: all."""


@dataclass(frozen=True, slots=True)
class HearLines:
    """The server sends lines up to a dot, in any order."""

    present: tuple[str, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HearEnd:
    """``close``: the server ends the connection; ``silence``: it says nothing."""

    what: str


@dataclass(frozen=True, slots=True)
class Arrives:
    """A message is delivered while the dialogue goes on."""

    content: bytes


@dataclass(frozen=True, slots=True)
class BodyLost:
    """The body of a message vanishes under the index."""

    number: int


@dataclass(frozen=True, slots=True)
class StorageFails:
    """Each call to the store fails from here on."""

    temporary: bool


@dataclass(frozen=True, slots=True)
class StorageMends:
    """The store works again."""


@dataclass(frozen=True, slots=True)
class Unlocked:
    """An operator takes the maildrop's lock away."""


@dataclass(frozen=True, slots=True)
class TimePasses:
    """The injected clock moves on."""

    seconds: float


Event = Arrives | BodyLost | StorageFails | StorageMends | Unlocked | TimePasses


@dataclass(frozen=True, slots=True)
class Then:
    """What the maildrop holds now: the given messages, by their place in the setting."""

    numbers: tuple[int, ...]


What = Say | Act | Hear | HearMessage | HearLines | HearEnd | Event | Then


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the dialogue."""

    what: What
    source: str
    """The line as written."""
    line: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """A title, a setting, a dialogue."""

    title: str
    file: str
    line: int
    setting: Setting
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """A short name for a list of tests: the file and the title's first words."""
        words = re.sub(r"[^A-Za-z0-9]+", "-", self.title).strip("-").lower()
        return f"{Path(self.file).stem}:{self.line}-{words[:70].rstrip('-')}"
