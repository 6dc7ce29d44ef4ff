"""Accounts that are being set up: kept in memory between two steps, and nowhere else, as passwords are among it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from pillarbox.reader.setting_up import Found, NewAccount
from pillarbox.reader.web.features.accounts.signing import SignIn

MOST = 16
"""At once. Nobody sets up more; whoever does begins the oldest again."""


@dataclass(slots=True)
class Begun:
    """One of them."""

    id: str
    address: str
    person: str
    found: Sequence[Found] = ()
    trouble: str = ""
    """Why nothing was found."""
    account: NewAccount | None = None
    collected: int | None = None
    """Messages that wait; None: it has not worked (yet)."""
    collect_problem: str = ""
    insecure: bool = False
    """There is no protection to be had as demanded: adding it as it is would be of no use."""
    untrusted: bool = False
    """It is the certificate that does not convince."""
    shown: str = ""
    """The fingerprint of the certificate that was shown instead."""
    submit_problem: str = ""
    submitted: bool = False
    signing: SignIn | None = None
    trying: asyncio.Task[None] | None = None
    """The trial after a sign-in by OAuth 2: it goes on while the page asks how it goes."""
    oauth: bool = False

    def stop(self) -> None:
        """What goes on for it is of no interest any more."""
        if self.signing is not None:
            self.signing.task.cancel()
        if self.trying is not None:
            self.trying.cancel()
        self.signing = self.trying = None


class AllBegun:
    """By id. On the event loop."""

    def __init__(self) -> None:
        self._by_id: dict[str, Begun] = {}

    def begin(self, address: str, person: str) -> Begun:
        if len(self._by_id) >= MOST:
            self.drop(next(iter(self._by_id)))
        begun = Begun(secrets.token_urlsafe(12), address, person)
        self._by_id[begun.id] = begun
        return begun

    def find(self, begun_id: str) -> Begun | None:
        return self._by_id.get(begun_id)

    def drop(self, begun_id: str) -> None:
        begun = self._by_id.pop(begun_id, None)
        if begun is not None:
            begun.stop()
