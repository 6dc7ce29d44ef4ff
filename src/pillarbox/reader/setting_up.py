"""Accounts are added, changed and removed: what pages need for that, given from outside as the accounts are.

Nothing here shows a secret in its repr, and nothing hands one back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pillarbox.client.endpoint import Endpoint
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.tls import TlsSettings
from pillarbox.reader.model import Identity
from pillarbox.reader.submission import Security, Submission

if TYPE_CHECKING:  # pages need nothing else of it
    from pillarbox.fetch.moving import Compared

KEEP_DAYS = 30
"""Days that collected mail stays on the server, unless the user says otherwise: long enough to notice that a disk
has died, or to read the same mail elsewhere; short enough that no mailbox runs full."""


@dataclass(frozen=True, slots=True)
class OAuth:
    """How an account signs in without a password."""

    provider: str
    """``microsoft`` or ``google``."""
    client_id: str
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What the user wants to be added."""

    name: str
    """What the user calls it."""
    address: str
    collect: Endpoint
    tls: TlsSettings = field(default_factory=TlsSettings)
    submit: Submission | None = None
    """None: it is not to send. Without secrets; without a user: it does not sign in."""
    person: str = ""
    """The name in From."""
    keep_days: int | None = KEEP_DAYS
    """As :class:`pillarbox.fetch.rules.Rules`: 0: delete at once; None: never."""
    password: str = field(default="", repr=False)
    submit_password: str = field(default="", repr=False)
    """Empty: the same."""
    oauth: OAuth | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Servers that an address may belong to."""

    collect: Endpoint
    submit: Submission | None = None
    source: str = ""
    """Who says so, in words: "your provider", "a guess"."""
    confirm: bool = False
    """They are outside of the address's domain, and only the DNS says so: ask before a password goes there."""
    oauth: bool = False
    """OAuth 2 is said to be among the ways to sign in."""


@dataclass(frozen=True, slots=True)
class Description:
    """An account as its page shows it."""

    name: str
    collect: str = ""
    """URL of the server from which it is collected."""
    mailbox: Endpoint | None = None
    """The same, taken apart; None: its settings cannot be used."""
    submit: str = ""
    """The server to which its mail is handed over, and how the way there is protected; empty: it cannot send."""
    sending: Submission | None = None
    """The same, without secrets."""
    keep_days: int | None = None
    oauth: bool = False
    password_from: str = ""
    """Where its password comes from, in words; empty: the reader can be given a new one."""
    elsewhere: str = ""
    """Where ``pillarbox fetch`` would put its mail, if that is another place; empty: nowhere."""
    tls: TlsSettings = field(default_factory=TlsSettings)
    """Which certificate of the server counts that is collected from."""
    fixed: str = ""
    """Why it cannot be changed here, in a sentence; empty: it can."""

    @property
    def collects_in_clear(self) -> bool:
        """Nothing protects the way from the server, as its settings say."""
        return self.mailbox is not None and self.mailbox.security is Collecting.CLEARTEXT

    @property
    def sends_in_clear(self) -> bool:
        """Nothing protects the way to the server, as its settings say."""
        return self.sending is not None and self.sending.security is Security.NONE


@dataclass(frozen=True, slots=True)
class Mailbox:
    """From where an account is to be collected."""

    endpoint: Endpoint
    tls: TlsSettings = field(default_factory=TlsSettings)
    """Which certificate of its server counts."""
    password: str = field(default="", repr=False)
    """Empty: as it signs in now."""


class Setup(Protocol):
    """Blocking, and from any thread, but for what is ``async``."""

    def suggest_name(self, address: str) -> str:
        """A name for a new account that none has yet."""
        ...

    async def discover(self, address: str) -> Sequence[Found]:
        """Servers for *address*, best first; empty: none were found, or nobody could be asked.

        Raises:
            PillarboxError: *address* is none.
        """
        ...

    async def try_collecting(self, account: NewAccount) -> int:
        """Sign in and count the messages that would be collected. Nothing is changed, here or there.

        Raises:
            PillarboxError: it does not work.
        """
        ...

    async def try_submitting(self, account: NewAccount) -> None:
        """Sign in where its mail leaves; nothing is sent.

        Raises:
            PillarboxError: it does not work.
        """
        ...

    async def fingerprint(self, account: NewAccount) -> str:
        """SHA-256 of the certificate that the server for collecting shows; empty: it cannot be had."""
        ...

    async def sign_in(self, account: str, oauth: OAuth | None, show: Callable[[str], None]) -> None:
        """Have a person sign in by OAuth 2: *show* gets one sentence with a URL. *oauth* None: as its settings say.

        Raises:
            PillarboxError: it did not succeed.
        """
        ...

    def add(self, account: NewAccount) -> None:
        """Durable on return. Raises :class:`.errors.CannotAddAccount`."""
        ...

    def describe(self, account: str) -> Description:
        """Raises :class:`.errors.CannotAddAccount`: there is none of the name."""
        ...

    def set_identity(self, identity: Identity) -> None:
        """As are the following: durable on return, raises :class:`.errors.CannotAddAccount`."""
        ...

    def set_keeping(self, account: str, days: int | None) -> None:
        """How long collected mail stays on the server; None: for ever."""
        ...

    def set_trust(self, account: str, tls: TlsSettings) -> None:
        """Which certificate of the server that is collected from counts; only what *tls* says of that."""
        ...

    def set_password(self, account: str, password: str) -> None: ...

    async def try_mailbox(self, account: str, mailbox: Mailbox) -> Compared:
        """Sign in to *mailbox*, and see whether it is the one that *account* is collected from now. Nothing is changed.

        Raises:
            PillarboxError: it does not work.
        """
        ...

    def set_mailbox(self, account: str, mailbox: Mailbox, *, same: bool) -> None:
        """From where it is collected. *same*: what has been collected from it does not come again, as a trial has
        shown, or the user says. Nobody may be collecting it. Sending stays as it is, also who signs in there.

        Raises:
            PillarboxError: nothing was changed.
        """
        ...

    async def try_sending(self, account: str, submit: Submission, password: str) -> None:
        """Sign in at *submit*; nothing is sent, and nothing kept. *password* empty: as it signs in there now, or else where it
        is collected from.

        Raises:
            NoPassword: it is another host than now, and has to be given a password of its own.
            PillarboxError: it does not work.
        """
        ...

    def set_sending(self, account: str, submit: Submission | None, password: str) -> None:
        """Where its mail leaves; None: it does not send. *submit* has no secrets; *password* as above, and so is NoPassword."""
        ...

    def remove(self, account: str) -> None:
        """It is not collected any more. Its mail stays, here and there."""
        ...
