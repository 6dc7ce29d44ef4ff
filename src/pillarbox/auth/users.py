"""Everybody who has an account, wherever it is kept: our own accounts first, then the sources in
their order.

A source may be a directory in the network, and a thousand clients poll. So what it said of a user,
that there is none included, is believed for half a minute, and lookups of one user at the same
time are one.

A source that cannot be asked is never passed over: the user may be its.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pillarbox.auth.account import AccountRecord
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cache import framed
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.register import Found
from pillarbox.auth.sources.contract import Source, SourceAccount

BELIEVED_SECONDS = 30.0
"""How long an account that a source has removed or disabled may still sign in. Longer would save
little: clients poll each minute or less often, each for a user of its own."""

MAX_BELIEVED = 16_384
"""Users of whom is known what the sources said, some kilobyte each; as many as proofs."""


class SourceUser(NamedTuple):
    """A user of a source."""

    source: Source
    account: SourceAccount
    app_passwords_only: bool

    @property
    def apop_secret(self) -> bytes | None:
        """No source keeps one."""
        return None

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def disabled(self) -> bool:
        return self.account.disabled

    @property
    def quota_octets(self) -> int:
        return self.account.quota_octets

    @property
    def subject(self) -> tuple[str, int, str]:
        """What a proof is about, as :attr:`.AccountRecord.subject`; no account of the file has the
        generation 0.
        """
        parts = (self.source.name, self.account.stamp, *self.account.hashes)
        return self.name, 0, framed(*(part.encode() for part in parts)).hex()

    @property
    def generation(self) -> int:
        """Another one with anything that changes another person into this one, as far as the
        source can tell.
        """
        digest = hashlib.blake2b(repr(self.subject).encode(), digest_size=7).digest()
        return -int.from_bytes(digest, "big")  # the file's are above 0

    def has_changed(self, now: object) -> bool:
        """Whether what was proved of this is true no longer."""
        return self != now


User = AccountRecord | SourceUser


class _Said(NamedTuple):
    """What the sources said of a user, and when."""

    at: float
    source: Source | None
    account: SourceAccount | None


class Users:
    """For one event loop.

    Args:
        accounts: our own.
        sources: the others, in the order in which they are asked.
        believes_absence: that there is no such user is believed as long as anything else. Not
            right where mail is turned away for it.
        clock: seconds.

    Names are taken normalised; the empty one is that of nobody. All methods raise AccountsUnavailable.
    """

    def __init__(
        self,
        accounts: Accounts,
        sources: Sequence[Source] = (),
        *,
        believes_absence: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._register = accounts.register
        self.sources = tuple(sources)
        self._believes_absence = believes_absence
        self._clock = clock
        self._said: OrderedDict[str, _Said] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Said]] = {}

    async def find(self, name: str) -> User | None:
        """The user of that name; does not suspend for one of an accounts file, nor for one of
        whom a source has spoken lately.
        """
        return await self.whoever(name, await self._register.who(name))

    async def whoever(self, name: str, found: Found) -> User | None:
        """The same, when it has been *found* already what our own accounts say."""
        if found.record is not None or not self.sources or not name:
            return found.record
        said = await self._elsewhere(name)
        if said.source is None or said.account is None:
            return None
        return SourceUser(said.source, said.account, found.app_passwords_only)

    async def ask_in_vain(self, name: str) -> None:
        """Take the time that looking for an unknown user takes, whoever it is."""
        if self.sources and name:
            try:
                await self._elsewhere(name)
            except AccountsUnavailable:
                return

    async def nobody_there(self) -> bool:
        """Whether there is no account at all. With other sources that cannot be told."""
        return not self.sources and await self._register.nobody_there()

    def forget(self) -> None:
        """Believe nothing any more that was said before."""
        self._said.clear()

    async def _elsewhere(self, name: str) -> _Said:
        said = self._said.get(name)
        if said is not None and self._clock() - said.at < BELIEVED_SECONDS:
            return said
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.create_task(self._ask(name))
            asking.add_done_callback(lambda done: self._asked(name, done))
        return await asyncio.shield(asking)

    async def _ask(self, name: str) -> _Said:
        for source in self.sources:
            account = await source.find(name)
            if account is None:
                continue
            if account.name != name:
                raise AccountsUnavailable(f"{source.name} answers for another user than was asked")
            return _Said(self._clock(), source, account)
        return _Said(self._clock(), None, None)

    def _asked(self, name: str, done: asyncio.Task[_Said]) -> None:
        del self._asking[name]
        if done.cancelled() or done.exception() is not None:  # seen, whoever waited has gone
            return
        said = done.result()
        if said.account is None and not self._believes_absence:
            return
        self._said[name] = said
        self._said.move_to_end(name)
        while len(self._said) > MAX_BELIEVED:
            self._said.popitem(last=False)
