"""Of accounts: as whom one writes, and how collecting goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom one writes."""

    account: str
    address: str
    name: str = ""
    signature: str = ""
    """Text, without the line ``-- ``."""
    aliases: tuple[str, ...] = ()
    """Other addresses whose mail comes to the account: one may write as these, too."""


class Collecting(Enum):
    """What an account is doing, or why it is not."""

    NEVER = "never"
    """It has not been collected yet."""
    RUNNING = "running"
    DONE = "done"
    OFFLINE = "offline"
    """Nobody could be reached: a normal state, tried again by itself."""
    REFUSED = "refused"
    """Sign-in: the user has to do something."""
    UNSIGNED = "unsigned"
    """There is no password for it here (yet): nobody has been asked for anything."""
    INSECURE = "insecure"
    """The certificate does not convince, or is not the pinned one."""
    UNPROTECTED = "unprotected"
    """No TLS, or none as it has to be: no certificate would help."""
    CONFIRM = "confirm"
    """Its rules would now delete mail on the server that they kept before: the user has to say yes."""
    FAILED = "failed"
    """Anything else; tried again by itself, unless :attr:`Status.next_try` says no."""


@dataclass(frozen=True, slots=True)
class Status:
    """Of one account's collecting, in plain words."""

    account: str
    state: Collecting
    last_done: datetime | None = None
    """When it last went through."""
    next_try: datetime | None = None
    """None: only when the user asks for it (or it is running)."""
    problem: str = ""
    """Whole sentences: what is wrong, and what to do."""
    arrived: int = 0
    """Messages of this run, or of the last one."""
    expected: int = 0
    """Of this run, once it is known."""
