"""What the stages share: the world that a setting describes, on the store in memory."""

from __future__ import annotations

from typing import Literal, cast

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.surroundings import TokenAdvice
from pillarbox.server.limits import Policy
from pillarbox.server.session import Session
from pillarbox.testing.transcript_steps import (
    Arrives,
    BodyLost,
    Event,
    Setting,
    StorageFails,
    StorageMends,
    Unlocked,
)
from tests.world import Accounts, FaultyStore

HOSTNAME = "dbc.mtview.ca.us"
BINDINGS = (ChannelBinding("tls-server-end-point", b"the certificate"),)
"""What a sign-in can be bound to where TLS is only played."""
ADVICE = TokenAdvice("https://example.com/.well-known/openid-configuration", "mail")
TIMESTAMP = "<1896.697170952@dbc.mtview.ca.us>"


class World:
    """Store, accounts and policy of a transcript."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.store = FaultyStore()
        self.accounts = Accounts(dict(setting.credentials))
        self.policy = Policy(
            hostname=HOSTNAME,
            cleartext=cast("Literal['never', 'loopback', 'always']", setting.cleartext),
            mechanisms=setting.mechanisms,
            tokens=ADVICE if setting.tokens else None,
            apop=setting.apop,
            login_delay=setting.login_delay,
        )

    async def build(self) -> None:
        for message in self.setting.messages:
            await self.store.put(message.user, message.content)
        if self.setting.held:
            await self.store.open(Identity(self.setting.first_user))

    def tell_of_tls(self, session: Session) -> None:
        """What a real handshake would tell of the client and the connection."""
        if session.secured:
            session.start_over(self.setting.client_identities, BINDINGS)

    async def meanwhile(self, event: Event) -> None:
        faults = self.store.faults
        match event:
            case Arrives():
                await self.store.put(self.setting.first_user, event.content)
            case BodyLost():
                faults.lost.add(event.number)
            case StorageFails():
                why = "the disk does not answer"
                faults.fail_always(StoreUnavailable(why, temporary=event.temporary))
            case StorageMends():
                faults.errors.clear()
            case Unlocked():
                await self.store.memory.unlock(self.setting.first_user)
            case _:
                raise NotImplementedError(f"this stage has no {event}")

    async def holdings(self, user: str) -> list[tuple[str, int]]:
        listed = await self.store.memory.listing(user)
        return [(message.unique_id, message.octets) for message in listed]
