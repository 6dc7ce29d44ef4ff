"""Accounts in PostgreSQL and in MariaDB: the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
import trustme

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.sql.database import open_database
from pillarbox.auth.sources.sql.settings import DatabaseSettings
from pillarbox.auth.sources.sql.source import SqlSource
from pillarbox.auth.sources.sql.url import DatabaseUrl
from tests.auth.sources import contract
from tests.auth.sources.contract import SourceContract, World
from tests.auth.sources.databases import PASSWORD, UNCERTIFIED, SqlServer, mariadb, postgresql

QUERY = "SELECT password, quota_octets, disabled FROM users WHERE name = :user"

TABLE = """\
CREATE TABLE users (
    name VARCHAR(64) PRIMARY KEY, password VARCHAR(9000), quota_octets VARCHAR(30), disabled BOOLEAN
);
INSERT INTO users VALUES
    ('alice', '{PLAIN}a fine and private place', 1000, FALSE),
    ('o''brien', '{PLAIN}another', NULL, NULL),
    ('bare', '$6$salt$hash', NULL, FALSE),
    ('shut', '{PLAIN}x', NULL, TRUE),
    ('none', NULL, '2G', FALSE),
    ('locked', '!{PLAIN}x', NULL, FALSE),
    ('odd', '{PLAIN x', 'much', FALSE),
    ('long', '{PLAIN}', NULL, FALSE);
UPDATE users SET password = CONCAT('{PLAIN}', REPEAT('x', 8000)) WHERE name = 'long';
"""


@dataclass
class SqlWorld(World):
    server: SqlServer

    async def opens(self, account: SourceAccount, password: str) -> bool:
        right = f"{{PLAIN}}{password}" in account.hashes
        assert not await self.source.proves(account, password)
        return right

    def go_away(self) -> None:
        self.server.stop()

    def come_back(self) -> None:
        self.server.start()


@pytest.fixture(scope="module", params=[postgresql, mariadb])
def server(request: pytest.FixtureRequest) -> Iterator[SqlServer]:
    with request.param() as server:
        server.run(TABLE)
        if request.param is postgresql:
            server.run("GRANT SELECT ON users TO pillarbox")
        yield server


def open_source(
    server: SqlServer,
    query: str = QUERY,
    *,
    url: str = "",
    password: str = PASSWORD,
    connections: int = 4,
    timeout: float = 5.0,
) -> SqlSource:
    database = DatabaseSettings(
        DatabaseUrl.parse(url or server.url), password, server.authority, connections, timeout
    )
    return SqlSource(open_database(database), query)


@pytest.fixture
async def source(server: SqlServer) -> AsyncIterator[SqlSource]:
    source = open_source(server)
    yield source
    await source.close()


class TestSql(SourceContract):
    @pytest.fixture
    def world(self, server: SqlServer, source: SqlSource) -> World:
        return SqlWorld(source, server)


async def found(source: SqlSource, user: str) -> SourceAccount:
    account = await source.find(user)
    assert account is not None
    return account


async def test_columns_become_an_account(source: SqlSource) -> None:
    alice = await found(source, "alice")
    assert alice.hashes == (f"{{PLAIN}}{contract.PASSWORD}",)
    assert (alice.quota_octets, alice.disabled) == (1000, False)
    assert (await found(source, "bare")).hashes == ("{CRYPT}$6$salt$hash",)
    assert (await found(source, "shut")).disabled
    assert (await found(source, "none")) == SourceAccount("none", quota_octets=2 << 30)
    assert (await found(source, "locked")).hashes == ()


async def test_a_value_that_cannot_be_used_shuts_nobody_out_of_his_mail(source: SqlSource) -> None:
    with structlog.testing.capture_logs() as logs:
        assert await found(source, "odd") == SourceAccount("odd")
        assert await found(source, "long") == SourceAccount("long")
    assert [(entry["user"], entry["column"]) for entry in logs] == [
        ("odd", "password"),
        ("odd", "quota_octets"),
        ("long", "password"),
    ]
    assert "{PLAIN" not in str(logs)
    assert "much" not in str(logs)


async def test_a_name_in_the_row_has_to_be_the_name(server: SqlServer) -> None:
    """What is equal to a database need not be the same name: \u00e9 and e, in many collations."""
    query = "SELECT name, password FROM users WHERE name LIKE 'al%' AND :user <> ''"
    source = open_source(server, query)
    assert await source.find("alice") is not None
    assert await source.find("alic\u00e9") is None
    assert await source.find("bob") is None
    await source.close()


async def test_only_the_password_is_needed(server: SqlServer) -> None:
    source = open_source(server, "SELECT 'x' AS PASSWORD FROM users WHERE name = %(user)s;")
    assert await source.find("alice") == SourceAccount("alice", ("{CRYPT}x",))
    await source.close()


async def test_the_name_may_stand_there_twice_beside_all_kinds_of_text(server: SqlServer) -> None:
    source = open_source(
        server,
        "SELECT ':user %(user)s 100%' AS remark, password /* :user ' */ FROM users "
        "-- who is :user?\n WHERE name LIKE 'a%' AND name = :user AND :user = name",
    )
    assert await source.find("alice") is not None
    assert await source.find("o'brien") is None
    await source.close()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT name FROM users WHERE name = :user", 'no column "password"'),
        ("SELECT password FROM users WHERE name = :user OR 1 = 1", "several rows"),
        ("SELECT password FROM usres WHERE name = :user", "usres"),
        ("SELECT password FROM users WHERE :user", "sql: "),
        ("DELETE FROM users WHERE name = :user", "sql: "),
    ],
)
async def test_a_query_at_fault_is_no_refusal(
    server: SqlServer, source: SqlSource, query: str, problem: str
) -> None:
    faulty = open_source(server, query)
    if query.endswith("WHERE :user") and server.url.startswith("mysql"):
        assert await faulty.find("alice") is None  # 'alice' is no truth in MySQL
    else:
        with pytest.raises(AccountsUnavailable, match=problem):
            await faulty.find("alice")
    await faulty.close()
    assert await source.find("alice") is not None


async def test_a_wrong_password_of_the_service_is_told(server: SqlServer) -> None:
    source = open_source(server, password="not it")
    with pytest.raises(AccountsUnavailable, match="pillarbox") as caught:
        await source.find("alice")
    assert "not it" not in str(caught.value)
    await source.close()


async def test_the_certificate_is_verified(server: SqlServer, tmp_path: Path) -> None:
    stranger = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    database = DatabaseSettings(DatabaseUrl.parse(server.url), PASSWORD, stranger)
    source = SqlSource(open_database(database), QUERY)
    with pytest.raises(AccountsUnavailable, match=r"(?i)certificate|verify|ssl"):
        await source.find("alice")
    await source.close()


async def test_the_certificate_must_be_that_of_the_host(server: SqlServer) -> None:
    source = open_source(server, url=server.url.replace("localhost", UNCERTIFIED))
    with pytest.raises(AccountsUnavailable, match=r"127\.0\.0\.2"):
        await source.find("alice")
    await source.close()


async def test_a_restart_of_the_database_costs_nobody_a_sign_in(
    server: SqlServer, source: SqlSource
) -> None:
    names = ["alice", "o'brien"] * 10
    for name in names:  # all connections are open
        assert await source.find(name) is not None
    server.stop()
    server.start()
    for name in names:
        assert await source.find(name) is not None


async def found_at_last(source: SqlSource, name: str) -> SourceAccount | None:
    """By a source that waits for a shorter time than a connection may take."""
    while True:
        try:
            return await source.find(name)
        except AccountsUnavailable:
            continue


async def test_a_database_that_hangs_is_not_waited_for(server: SqlServer) -> None:
    source = open_source(server, timeout=0.3, connections=2)
    assert await found_at_last(source, "alice")
    with server.hanging():
        for _ in range(4):
            with pytest.raises(AccountsUnavailable, match=r"sql: "):
                await source.find("alice")
    assert await found_at_last(source, "alice")  # its processes wake up one by one
    await source.close()
