"""What every account source has to pass, whatever is behind it.

A test class for a source inherits :class:`SourceContract` and has a fixture ``world``.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass

import pytest

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import Source, SourceAccount
from pillarbox.resuming import rest_of

KNOWN = "alice"
PASSWORD = "a fine and private place"
OTHER = "o'brien"
"""A second user, with a character that means something in SQL."""
OTHER_PASSWORD = "another"

HOSTILE = [
    "",
    "nobody-here",
    "alice' OR '1'='1",
    "' UNION SELECT 'x' AS password --",
    "alice'; DROP TABLE users; --",
    'alice" or ""="',
    "alice\\' or 1=1 #",
    "\\",
    "%",
    "%s",
    "%(user)s",
    ":user",
    "{user}",
    "*",
    "ali*",
    "alice)(uid=*",
    "alice)(|(objectClass=*",
    "alice,ou=people",
    "alice+cn=alice",
    "..",
    "../alice",
    "alice/../alice",
    "alice\0",
    "\0",
    "alice\n",
    "alice:x",
    "alice\udcff",
    "\udcff",
    "\uff41\uff4c\uff49\uff43\uff45",  # alice in wide letters
    "x" * 5000,
]
"""Names that are nobody's, though a careless source may find somebody, or break."""


@dataclass
class World(ABC):
    """A source with :data:`KNOWN` and :data:`OTHER` in it, and what is behind it."""

    source: Source

    @abstractmethod
    async def opens(self, account: SourceAccount, password: str) -> bool:
        """Whether *password* is right, by hashes or by :meth:`Source.proves`."""

    async def ask(self) -> object:
        """Ask for something that takes what is behind the source."""
        return await self.source.find(KNOWN)

    @abstractmethod
    def go_away(self) -> None:
        """What is behind the source cannot be asked any more."""

    @abstractmethod
    def come_back(self) -> None:
        """It can be asked again."""


class SourceContract:
    """The cases."""

    async def test_a_user_is_found_by_name(self, world: World) -> None:
        account = await world.source.find(KNOWN)
        assert account is not None
        assert account.name == KNOWN
        assert not account.disabled

    async def test_nobody_is_found_by_another_name(self, world: World) -> None:
        assert await world.source.find("nobody-here") is None

    @pytest.mark.parametrize("name", HOSTILE)
    async def test_a_name_is_never_more_than_a_name(self, world: World, name: str) -> None:
        """CVE-2017-2669, CVE-2026-24031."""
        assert await world.source.find(name) is None
        assert not await world.source.proves(SourceAccount(name), PASSWORD)
        assert await world.source.find(KNOWN) is not None
        assert await world.source.find(OTHER) is not None

    async def test_a_quote_in_a_name_is_part_of_it(self, world: World) -> None:
        account = await world.source.find(OTHER)
        assert account is not None
        assert account.name == OTHER
        assert await world.opens(account, OTHER_PASSWORD)
        assert not await world.opens(account, PASSWORD)

    async def test_the_password_opens(self, world: World) -> None:
        account = await world.source.find(KNOWN)
        assert account is not None
        assert await world.opens(account, PASSWORD)

    @pytest.mark.parametrize(
        "password",
        [
            "",
            "wrong",
            PASSWORD + " ",
            PASSWORD.upper(),
            "\0",
            PASSWORD + "\0",
            "\udcff",
            "*",
            "x" * 9999,
        ],
    )
    async def test_another_password_does_not(self, world: World, password: str) -> None:
        account = await world.source.find(KNOWN)
        assert account is not None
        assert not await world.opens(account, password)
        assert await world.opens(account, PASSWORD)

    async def test_the_empty_password_proves_nothing(self, world: World) -> None:
        """RFC 4513, section 5.1.2: some directories let anybody bind with it."""
        account = await world.source.find(KNOWN)
        assert account is not None
        assert not await world.source.proves(account, "")

    async def test_a_stamp_stays_while_nothing_changes(self, world: World) -> None:
        assert await world.source.find(KNOWN) == await world.source.find(KNOWN)

    async def test_many_may_ask_at_once(self, world: World) -> None:
        names = [KNOWN, OTHER, "nobody-here"] * 50
        found = await asyncio.gather(*(world.source.find(name) for name in names))
        assert [account and account.name for account in found] == [KNOWN, OTHER, None] * 50

    async def test_the_first_step_needs_no_task(self, world: World) -> None:
        """As the sign-in contract has it: the server begins coroutines by hand."""
        begun: asyncio.Future[asyncio.Future[SourceAccount | None]]
        begun = asyncio.get_running_loop().create_future()

        def begin() -> None:  # a callback of the loop: there is no current task
            coroutine = world.source.find(KNOWN)
            try:
                rest = rest_of(coroutine, coroutine.send(None))
            except BaseException as error:  # noqa: BLE001 - what the test is about
                begun.set_exception(error)
            else:
                begun.set_result(asyncio.ensure_future(rest))

        asyncio.get_running_loop().call_soon(begin)
        account = await (await begun)
        assert account is not None
        assert account.name == KNOWN

    async def test_who_gives_up_waiting_harms_nobody(self, world: World) -> None:
        waiting = [asyncio.create_task(world.source.find(KNOWN)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert await world.source.find(KNOWN) is not None

    async def test_it_is_used_again_when_it_is_back(self, world: World) -> None:
        assert await world.source.find(KNOWN) is not None
        world.go_away()
        with pytest.raises(AccountsUnavailable, match=f"^{world.source.name}: "):
            await world.ask()
        world.come_back()
        account = await world.source.find(KNOWN)
        assert account is not None
        assert await world.opens(account, PASSWORD)

    async def test_no_secret_is_shown(
        self, world: World, capfd: pytest.CaptureFixture[str]
    ) -> None:
        account = await world.source.find(KNOWN)
        assert account is not None
        await world.opens(account, PASSWORD)
        await world.opens(account, "a wrong guess")
        world.go_away()
        with pytest.raises(AccountsUnavailable) as caught:
            await world.ask()
        world.come_back()
        shown = (
            f"{account!r} {world.source!r} {vars(world.source)!r} {caught.value!r} {caught.value}"
        )
        shown += "".join(capfd.readouterr())
        for secret in (PASSWORD, "a wrong guess", "the service's own", *account.hashes):
            assert secret not in shown

    async def test_closing_ends_it(self, world: World) -> None:
        await world.source.find(KNOWN)
        await world.source.close()
        await world.source.close()
