"""Making guessing slow, for the address that guesses, and locking nobody out.

**By address.** Failures of one address make each further check for it wait: half a second, one,
two, up to fifteen. The wait comes *before* the check and is the same whatever the outcome, so its
length tells nothing about the credentials. One failure is forgiven each minute.

Checks for one address take turns, so that a hundred connections have no more of them than one.
Each counts as a failure from the moment its turn begins until it has proved right: hanging up
early is no way round.

Whoever shares an address with somebody who guesses (an office behind one IPv4 address, the
users of a webmail) must get in all the same:

* The line is short: nobody stands in it for longer than 45 seconds, since clients give up after
  a minute. Whom there is no place for is *crowded out*: told to come again, after the delay, and
  not that the password is wrong, which nobody has looked at.
* Before the line comes a *look*: the authenticator compares the password with those that it has
  proved before, and a right one passes at once, whatever is held against the address. A look is
  also an answer to a guess, so looks are rationed: as many as a hundred connections could have
  if each waited out the longest delay, some seven a second. Clients that wait for their answers
  cannot use that up; one that hangs up and guesses on can, and then the look comes after the
  delay, or the check at its turn. Looks that find something are not counted. Giving up after a
  look that found nothing counts as a failure.

So a password that is known here is accepted at once, and under a flood of connections within 45
seconds; one that is not known here yet competes with the guesses for a place in line. Guesses
are answered four a minute; those at a password that is known here, at most some thirteen a second,
for which the guesser has to keep a hundred connections busy.

**By account.** Many addresses that guess at one account are each slowed too late. So an account at
which more than three networks have failed within ten minutes is *besieged*: attempts at it wait
for half a second and up to ten, and only ten of them at once. That is a guess a second, however many
addresses there are. (What one network alone does changes nothing: nobody can slow down the owner
without a botnet; of IPv6 neither can all networks that one customer may have.) Names that do not exist count like those that do.

The owner is not kept out:

* A network from which the account has signed in within a fortnight is *familiar* to it and waits for
  nothing of this, and failures there do not count against the account.
* A password that is known passes by the look, from anywhere, as above. Only addresses that have
  failed themselves share one ration of looks at a besieged account.
* Who comes with a password that is not known from a network that is not familiar competes with
  the guesses for the places, of which half are for addresses that have not failed lately; and is
  told to come again, never that the password is wrong, when there is none.

**Repeats** of one same wrong password at one address count once (:mod:`pillarbox.auth.repeats`);
those at one account count once against the account, wherever they come from.

**The hashes.** What passes all this comes to a hash in turn with others, of which those that are
familiar or calm come first (:mod:`pillarbox.auth.hash_line`).

Who is "one address", or one network? See :func:`pillarbox.peers.network_of`. But a peer on this machine
(loopback, ``unix``) is most likely a webmail or a proxy that speaks for many people: slowing it
down as a whole would let one of them hinder all the others, and not slowing it at all would make
it the way to guess. There, failures count for each *name* that is tried, known or not; that is by
account already, and nothing else counts by account there.

All claims go this way, of whatever mechanism: a token or a proof that is refused is a failure.
SCRAM asks for a user before there is a claim, and who gives up then has claimed nothing; so where
that is a question to a source, an address has a ration of beginnings, as large as that of looks.

All tables are bounded. Each worker process has its own, but two things they tell each other: what is
held against an address and until when it waits, so that to spread connections over all workers makes nobody faster; and which
networks are familiar. What is held against an account, and which passwords are known, each worker
knows for itself: where there are several, guesses at one account are as many times a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import NamedTuple

from pillarbox.auth.account_throttle import AccountThrottle
from pillarbox.auth.address_throttle import (
    LONGEST_DELAY_SECONDS,
    LOOKS,
    MAX_PEERS,
    MAX_WAITING,
    AddressThrottle,
)
from pillarbox.auth.applicant import LOCAL, Applicant, Rank
from pillarbox.auth.attempt import Attempt
from pillarbox.auth.familiar import FamiliarNetworks
from pillarbox.auth.rations import Rations
from pillarbox.auth.repeats import Repeats
from pillarbox.auth.times import Times
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.contracts.meter import Meter


class SharedMemory(NamedTuple):
    """What worker processes tell each other."""

    addresses: Times
    """By the key of an address: until when its attempts wait, and are held against it."""
    familiar: Times
    """By user and network: when the one has signed in from the other."""


class Throttle:
    """Says when an applicant may look and when their claim is checked. For one event loop."""

    def __init__(
        self,
        *,
        peers: int = MAX_PEERS,
        waiting: int = MAX_WAITING,
        shared: SharedMemory | None = None,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.addresses = AddressThrottle(
            peers=peers,
            waiting=waiting,
            shared=None if shared is None else shared.addresses,
            meter=meter,
            clock=clock,
            sleep=sleep,
        )
        self.accounts = AccountThrottle(meter=meter, clock=clock, sleep=sleep)
        self.familiar = FamiliarNetworks(
            shared=None if shared is None else shared.familiar, clock=clock
        )
        self.repeats = Repeats(clock=clock)
        self.beginnings = Rations(LOOKS, LOOKS / LONGEST_DELAY_SECONDS, clock)

    def may_begin(self, who: Applicant) -> bool:
        """Whether *who* may begin an exchange for which a source is asked before anything is
        claimed; takes it from the ration of the address, calm or not: who only ever begins never fails.
        """
        return self.beginnings.take(who.key)

    def begun_well(self, who: Applicant) -> None:
        """What *who* has begun came to a good end: it does not count."""
        self.beginnings.give_back(who.key)

    def may_look(self, who: Applicant) -> bool:
        """Whether *who* has a look at once; takes it from the rations unless the address is calm."""
        if self.addresses.is_calm(who.key):
            return True
        return self.addresses.may_look(who.key) and self._may_look_at_account(who)

    def found(self, who: Applicant) -> None:
        """The look was no guess: it does not count."""
        self.addresses.found(who.key)
        if who.rationed and who.user is not None:
            self.accounts.found(who.user)

    def signed_in(self, who: Applicant, user: str) -> None:
        """*who* has proved to be *user*: from there, that is familiar."""
        if who.network is not LOCAL:
            self.familiar.learn(user, who.network)

    def waves_through(self, peer: str, user: str) -> bool:
        """Whether nothing is held against *peer*, who is known to be *user*: has signed in then."""
        who = Applicant(peer, user)
        if not self.addresses.is_calm(who.key):
            return False
        self.signed_in(who, user)
        return True

    @asynccontextmanager
    async def attempt(self, who: Applicant, *, looked: bool = True) -> AsyncIterator[Attempt]:
        """Wait until it is *who*'s turn; then the body checks the claim.

        Does not suspend when address and account are calm. *looked*: the attempt has had its
        look, so that to give it up counts as a failure. The body forgives the attempt unless it raises
        CredentialsRefused.
        """
        calm = self.addresses.is_calm(who.key)
        familiar = self._is_familiar(who)
        who.rank = Rank(Rank.SUSPECT - calm - familiar)
        async with (
            self.addresses.attempt(who.key, looked=looked) as attempt,
            self._account_stage(who, attempt, calm=calm, familiar=familiar),
        ):
            if attempt.crowded_out:
                attempt.late_look = not looked and self._may_look_at_account(who)
            with self._repeats_forgiven(who, attempt):
                yield attempt

    def _account_stage(
        self, who: Applicant, attempt: Attempt, *, calm: bool, familiar: bool
    ) -> AbstractAsyncContextManager[None]:
        if attempt.crowded_out or familiar or who.user is None or who.network is LOCAL:
            return nullcontext()
        return self.accounts.stage(who.user, who.network, attempt, calm=calm)

    def _is_familiar(self, who: Applicant) -> bool:
        return who.user is not None and self.familiar.knows(who.user, who.network)

    def _may_look_at_account(self, who: Applicant) -> bool:
        """For an address that is not calm."""
        if who.user is None or who.network is LOCAL:
            return True
        if not self.accounts.is_besieged(who.user, who.network):
            return True
        if self._is_familiar(who):
            return True
        who.rationed = self.accounts.may_look(who.user)
        return who.rationed

    @contextmanager
    def _repeats_forgiven(self, who: Applicant, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        except CredentialsRefused:
            if who.secret is not None:
                user = who.user or ""
                attempt.repeated = self.repeats.again("", user, who.secret)
                if self.repeats.again(who.key, user, who.secret) and self.repeats.may_repeat(
                    who.key
                ):
                    attempt.forgive()
            raise
