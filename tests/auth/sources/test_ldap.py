"""Accounts in a directory: OpenLDAP's slapd, the real one."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
import trustme

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import SourceAccount
from tests.auth.sources.contract import (
    KNOWN,
    OTHER,
    OTHER_PASSWORD,
    PASSWORD,
    SourceContract,
    World,
)
from tests.auth.sources.slapd import (
    ADMIN_PASSWORD,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    SUFFIX,
    UNCERTIFIED,
    Slapd,
    entry,
    skip_without,
    slapd,
)
from tests.postoffice import HOST

skip_without()
ldap = pytest.importorskip("ldap")

from pillarbox.auth.sources.ldap.connection import DirectorySettings  # noqa: E402 - may be missing
from pillarbox.auth.sources.ldap.source import LdapSource, Whereabouts  # noqa: E402

MUENCHEN = base64.b64encode("münchen".encode()).decode()


def bare(user: str, rdn: str = "uid") -> str:
    """Somebody without a password."""
    person = f"objectClass: inetOrgPerson\ncn: {user}\nsn: x\nuid: {user}\n"
    return f"dn: {rdn}={user},{PEOPLE}\n{person}"


PEOPLE_THERE = [
    entry(KNOWN, PASSWORD, "mailQuota: 1G"),
    entry(OTHER, OTHER_PASSWORD, "mailQuota: a lot"),
    entry("locked", PASSWORD, "nsAccountLock: TRUE"),
    entry("twice", PASSWORD),
    bare("twice", "cn"),
    entry("muenchen", PASSWORD)
    .replace("uid: muenchen", f"uid:: {MUENCHEN}")
    .replace("uid=muenchen", "uid=m\\C3\\BCnchen"),
    bare("bare"),
]


@dataclass
class LdapWorld(World):
    server: Slapd

    async def opens(self, account: SourceAccount, password: str) -> bool:
        assert account.hashes == ()
        return await self.source.proves(account, password)

    def go_away(self) -> None:
        self.server.stop()

    def come_back(self) -> None:
        self.server.start()


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    with slapd(*PEOPLE_THERE) as server:
        yield server


def open_source(
    server: Slapd,
    url: str = "",
    *,
    where: Whereabouts | None = None,
    password: str | None = SERVICE_PASSWORD,
    bind_dn: str | None = SERVICE,
    ca: Path | None = None,
    starttls: bool = True,
    timeout: float = 5.0,
) -> LdapSource:
    settings = DirectorySettings(
        [url or server.secure_url],
        starttls=starttls,
        ca=ca or server.authority,
        bind_dn=bind_dn,
        password=password,
        timeout=timeout,
        connections=2,
    )
    where = where or Whereabouts(PEOPLE, "(&(objectClass=inetOrgPerson)(uid={user}))")
    return LdapSource(settings, where, quota_attribute="mailQuota")


@pytest.fixture
async def source(server: Slapd) -> AsyncIterator[LdapSource]:
    source = open_source(server)
    yield source
    await source.close()


class TestLdapSearching(SourceContract):
    """By a search over ldaps."""

    @pytest.fixture
    def world(self, server: Slapd, source: LdapSource) -> World:
        return LdapWorld(source, server)


class TestLdapByDn(SourceContract):
    """By a DN made of the name, with StartTLS."""

    @pytest.fixture
    async def world(self, server: Slapd) -> AsyncIterator[World]:
        where = Whereabouts(dn=f"uid={{user}},{PEOPLE}")
        source = open_source(server, server.url, where=where)
        yield LdapWorld(source, server)
        await source.close()


async def found(source: LdapSource, user: str) -> SourceAccount:
    account = await source.find(user)
    assert account is not None
    return account


async def test_the_quota_is_an_attribute(source: LdapSource) -> None:
    assert (await found(source, KNOWN)).quota_octets == 1 << 30
    assert (await found(source, "münchen")).quota_octets == 0
    with structlog.testing.capture_logs() as logs:
        assert (await found(source, OTHER)).quota_octets == 0
    assert [(entry["user"], entry["attribute"]) for entry in logs] == [(OTHER, "mailQuota")]


@pytest.mark.parametrize("by_dn", [False, True])
async def test_a_name_of_any_script_is_found_and_proved(server: Slapd, by_dn: bool) -> None:
    where = Whereabouts(dn=f"uid={{user}},{PEOPLE}") if by_dn else None
    source = open_source(server, where=where)
    assert await source.proves(await found(source, "münchen"), PASSWORD)
    assert not await source.proves(await found(source, "münchen"), OTHER_PASSWORD)
    await source.close()


async def test_a_locked_account_is_disabled(source: LdapSource) -> None:
    assert (await found(source, "locked")).disabled
    assert not (await found(source, KNOWN)).disabled


async def test_an_entry_without_a_password_opens_to_nobody(source: LdapSource) -> None:
    account = await found(source, "bare")
    for password in ("", "x", PASSWORD):
        assert not await source.proves(account, password)


async def test_two_entries_of_one_name_are_no_account(source: LdapSource) -> None:
    with pytest.raises(AccountsUnavailable, match="several entries"):
        await source.find("twice")


@pytest.mark.parametrize("by_dn", [False, True])
async def test_a_referral_is_not_followed(by_dn: bool) -> None:
    """Whoever it names would be asked, and get the passwords."""
    with socket.create_server((HOST, 0)) as elsewhere:
        away = (
            f"dn: uid=away,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nuid: away\n"
            f"ref: ldap://{HOST}:{elsewhere.getsockname()[1]}/uid=away,{PEOPLE}\n"
        )
        with slapd(away) as server:
            where = (
                Whereabouts(dn=f"uid={{user}},{PEOPLE}")
                if by_dn
                else Whereabouts(PEOPLE, "(uid={user})")
            )
            source = open_source(server, where=where, timeout=1.0)
            with contextlib.suppress(AccountsUnavailable):
                assert await source.find("away") is None
            with contextlib.suppress(AccountsUnavailable):
                assert not await source.proves(SourceAccount("away"), PASSWORD)
            await source.close()
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


async def test_a_changed_password_changes_the_stamp(server: Slapd, source: LdapSource) -> None:
    before = await found(source, "bare")
    assert await found(source, "bare") == before
    server.modify(
        f"dn: uid=bare,{PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: new\n"
    )
    after = await found(source, "bare")
    assert after.stamp != before.stamp
    assert await source.proves(after, "new")
    server.modify(f"dn: uid=bare,{PEOPLE}\nchangetype: modify\ndelete: userPassword\n")


async def test_another_entry_of_the_same_name_has_another_stamp(
    server: Slapd, source: LdapSource
) -> None:
    dn = f"uid=bare,{PEOPLE}"
    before = await found(source, "bare")
    again = bare("bare").replace("objectClass", "changetype: add\nobjectClass", 1)
    server.modify(f"dn: {dn}\nchangetype: delete\n\n{again}")
    assert (await found(source, "bare")).stamp != before.stamp


async def test_unauthenticated_binds_prove_nothing_where_the_server_allows_them() -> None:
    """RFC 4513, section 5.1.2: "clients SHOULD disallow an empty password input"."""
    with slapd(entry(KNOWN, PASSWORD), globally="allow bind_anon_cred bind_anon_dn") as server:
        connection = ldap.initialize(server.socket_url)
        connection.simple_bind_s(f"uid={KNOWN},{PEOPLE}", "")  # the server does allow it
        connection.unbind_s()
        source = open_source(server)
        account = await found(source, KNOWN)
        assert not await source.proves(account, "")
        assert await source.proves(account, PASSWORD)
        await source.close()


async def test_a_search_may_be_anonymous_where_the_directory_allows_it() -> None:
    with slapd(entry(KNOWN, PASSWORD), others="by * read") as server:
        source = open_source(server, server.socket_url, bind_dn=None, password=None)
        assert await source.proves(await found(source, KNOWN), PASSWORD)
        await source.close()


async def test_where_anonymous_binds_are_not_allowed_nobody_is_said_to_be_unknown() -> None:
    with slapd(entry(KNOWN, PASSWORD), globally="disallow bind_anon\nrequire authc") as server:
        source = open_source(server, bind_dn=None, password=None)
        with pytest.raises(AccountsUnavailable):
            await source.find(KNOWN)
        await source.close()


async def test_a_wrong_password_of_the_service_is_told(server: Slapd) -> None:
    source = open_source(server, password="not it")
    with pytest.raises(AccountsUnavailable, match=SERVICE) as caught:
        await source.find(KNOWN)
    assert "not it" not in str(caught.value)
    with pytest.raises(AccountsUnavailable):
        await source.proves(SourceAccount(KNOWN), PASSWORD)
    await source.close()


async def test_a_base_that_is_not_there_makes_nobody_unknown(server: Slapd) -> None:
    source = open_source(server, where=Whereabouts(f"ou=nowhere,{SUFFIX}"))
    with pytest.raises(AccountsUnavailable, match="ou=nowhere"):
        await source.find(KNOWN)
    await source.close()


async def test_a_filter_at_fault_is_no_refusal(server: Slapd) -> None:
    source = open_source(server, where=Whereabouts(PEOPLE, "((uid={user}))"))
    with pytest.raises(AccountsUnavailable, match="ldap: "):
        await source.find(KNOWN)
    await source.close()


@pytest.mark.parametrize("secure", [True, False])
async def test_a_certificate_of_another_authority_is_refused(
    server: Slapd, tmp_path: Path, secure: bool
) -> None:
    stranger = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    source = open_source(server, server.secure_url if secure else server.url, ca=stranger)
    with pytest.raises(AccountsUnavailable):
        await source.find(KNOWN)
    with pytest.raises(AccountsUnavailable):
        await source.proves(SourceAccount(KNOWN), PASSWORD)
    await source.close()


async def test_a_certificate_of_another_host_is_refused(server: Slapd) -> None:
    source = open_source(server, f"ldaps://{UNCERTIFIED}:{server.secure_port}")
    with pytest.raises(AccountsUnavailable):
        await source.find(KNOWN)
    await source.close()


async def test_without_starttls_nothing_is_said_where_it_is_wanted() -> None:
    """A directory without TLS never sees a password."""
    with socket.create_server((HOST, 0)) as listener:
        heard: list[bytes] = []

        def hear() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(4096))
                # extended response: protocolError, as of a server that does not know StartTLS
                connection.sendall(bytes.fromhex("300c020101780702010204000400"))
                heard.append(connection.recv(4096))

        thread = threading.Thread(target=hear)
        thread.start()
        settings = DirectorySettings(
            [f"ldap://{HOST}:{listener.getsockname()[1]}"], bind_dn=SERVICE, password="secret"
        )
        source = LdapSource(settings, Whereabouts(PEOPLE))
        with pytest.raises(AccountsUnavailable):
            await source.find(KNOWN)
        await source.close()
        thread.join()
    assert b"1.3.6.1.4.1.1466.20037" in heard[0]  # StartTLS, RFC 4511, section 4.14
    assert b"secret" not in b"".join(heard)


async def test_a_directory_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server((HOST, 0)) as listener:  # accepts, and never answers
        settings = DirectorySettings(
            [f"ldap://{HOST}:{listener.getsockname()[1]}"], timeout=0.3, connections=1
        )
        source = LdapSource(settings, Whereabouts(PEOPLE))
        for _ in range(2):
            with pytest.raises(AccountsUnavailable):
                await source.find(KNOWN)
        await source.close()


async def test_the_second_directory_is_asked_when_the_first_is_away(server: Slapd) -> None:
    settings = DirectorySettings(
        ["ldaps://127.0.0.1:9", server.secure_url],
        ca=server.authority,
        bind_dn=SERVICE,
        password=SERVICE_PASSWORD,
    )
    source = LdapSource(settings, Whereabouts(PEOPLE))
    assert await source.proves(await found(source, KNOWN), PASSWORD)
    await source.close()


async def test_a_restart_of_the_directory_costs_nobody_a_sign_in(
    server: Slapd, source: LdapSource
) -> None:
    account = await found(source, KNOWN)
    assert await source.proves(account, PASSWORD)
    server.stop()
    server.start()
    for _ in range(4):
        assert await source.proves(await found(source, KNOWN), PASSWORD)


async def test_a_bind_of_one_user_is_no_search_of_the_next(
    server: Slapd, source: LdapSource
) -> None:
    """Users may not read the directory: searches go on as the service."""
    for user, password in [(KNOWN, PASSWORD), (OTHER, OTHER_PASSWORD)] * 3:
        account = await found(source, user)
        assert await source.proves(account, password)
        assert not await source.proves(account, ADMIN_PASSWORD)
