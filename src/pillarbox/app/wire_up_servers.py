"""Building one worker's servers from a configuration."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pillarbox.app.account_sources import close_sources, open_sources
from pillarbox.app.accounts_check import refuse_lost_accounts, warn_of_missing_accounts
from pillarbox.app.config.settings import Config
from pillarbox.app.retention import Sweep
from pillarbox.app.tls_contexts import client_certificates
from pillarbox.app.wire_up import open_accounts, open_authenticator, open_directory, open_store
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import Source
from pillarbox.auth.throttle import SharedMemory, Throttle
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Store
from pillarbox.delivery.policy import DeliveryPolicy
from pillarbox.delivery.server import DeliveryServer
from pillarbox.doorway import Proxies
from pillarbox.peers import Networks, Visitors
from pillarbox.sasl.surroundings import TokenAdvice
from pillarbox.server.limits import AddressTally, Policy
from pillarbox.server.listener import Pop3Server

if TYPE_CHECKING:  # what it imports is in an extra
    from pillarbox.auth.oauth.checker import OAuthChecker


def pop3_policy(config: Config, tokens: TokenAdvice | None = None) -> Policy:
    """What is configured; *tokens* is what clients are told whose token is refused."""
    auth, limits = config.auth, config.limits
    return Policy(
        hostname=config.server.hostname,
        cleartext=auth.cleartext,
        mechanisms=auth.mechanisms,
        apop=auth.apop,
        tokens=tokens,
        idle_timeout=limits.idle_timeout,
        login_timeout=limits.login_timeout,
        login_delay=limits.login_delay,
        visitors=Visitors(limits.allow, limits.deny),
        client_identity=config.tls.client_identity if client_certificates(config) else (),
        expire_days=config.retention.least_days,
    )


def proxies_of(config: Config, door: str) -> Proxies | None:
    """The load balancers that bring clients to *door*; None: there are none."""
    listen = config.listen
    if not listen.proxy_from or door not in listen.proxy_doors:
        return None
    return Proxies(Networks(listen.proxy_from), config.limits.login_timeout, tls=listen.proxy_tls)


def delivery_policy(config: Config) -> DeliveryPolicy:
    return DeliveryPolicy(
        hostname=config.server.hostname,
        domains=config.delivery.domains,
        max_message_octets=config.delivery.max_message_octets,
        visitors=Visitors(deny=config.limits.deny),
    )


@dataclass(frozen=True)
class PostOffice:
    """What one worker runs."""

    store: Store
    accounts: Accounts
    sources: tuple[Source, ...]
    authenticator: LocalAuthenticator
    token_checker: OAuthChecker | None
    pop3: Pop3Server
    delivery: DeliveryServer
    sweep: Sweep | None
    """Of the one worker that applies retention."""

    async def stop(self, grace: float, *, leave_newcomers: bool = False) -> None:
        """Accept no more, let what runs finish for *grace* seconds, close everything.

        Clients that are still to sign in, or are between two messages, are sent away at once,
        unless *leave_newcomers*.
        """
        await asyncio.gather(
            *(sweep.stop() for sweep in (self.sweep,) if sweep is not None),
            self.pop3.stop(grace, leave_newcomers=leave_newcomers),
            self.delivery.stop(grace, leave_newcomers=leave_newcomers),
        )
        self.authenticator.close()
        if self.token_checker is not None:
            await self.token_checker.close()
        await close_sources(self.sources)
        await self.store.close()
        self.accounts.close()


async def open_post_office(
    config: Config,
    *,
    pop3_tls: ssl.SSLContext | None,
    smtp_tls: ssl.SSLContext | None,
    meter: Meter,
    tally: AddressTally,
    throttling: SharedMemory | None = None,
    token_checker: OAuthChecker | None = None,
    speaks: bool = True,
) -> PostOffice:
    """Open the engines and build the servers on them.

    One worker *speaks* for all: it warns of accounts that are missing, and of damage, and
    applies retention (as soon as its sweep is started).

    Raises:
        StoreUnavailable: the mail cannot be opened.
        AccountsUnavailable: there is mail, but the accounts are gone.
        ConfigError: an account source cannot be made.
    """
    store = await open_store(config, speaks=speaks, serves=True)
    # Where users are kept elsewhere, there may have been none to make the file for yet.
    accounts = open_accounts(config, create=bool(config.auth.sources), serves=True)
    await refuse_lost_accounts(accounts, store)
    sources = open_sources(config)
    if not config.store.is_shared:  # which has too many for a look at all, and nothing to keep open
        if speaks and not sources:
            await warn_of_missing_accounts(accounts, store)
        # Opened now and kept open, like the store: on a disk that fills up later it could not be.
        with contextlib.suppress(AccountsUnavailable):  # reported at each sign-in
            accounts.find("")
    if token_checker is not None:
        token_checker.begin()
    authenticator = open_authenticator(
        config,
        accounts,
        sources=sources,
        throttle=Throttle(shared=throttling, meter=meter),
        token_checker=token_checker,
    )
    pop3 = Pop3Server(
        store=store,
        authenticator=authenticator,
        policy=pop3_policy(config, token_checker.advice if token_checker else None),
        tls=pop3_tls,
        meter=meter,
        tally=tally,
    )
    delivery = DeliveryServer(
        store=store,
        directory=open_directory(config, accounts, sources=sources),
        policy=delivery_policy(config),
        tls=smtp_tls,
        meter=meter,
    )
    sweep = Sweep(store, config.retention, meter) if speaks else None
    return PostOffice(store, accounts, sources, authenticator, token_checker, pop3, delivery, sweep)
