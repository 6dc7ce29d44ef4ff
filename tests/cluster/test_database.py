"""The shared database itself: migrations, errors, and what happens when it goes and comes back."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.database import Database, DatabaseUnavailable
from pillarbox.database.migrate import applied, known, migrate, must_be_current
from tests.cluster.postgres import PASSWORD, PostgresServer


async def test_several_nodes_may_bring_it_up_to_date_at_once(postgres: PostgresServer) -> None:
    url = postgres.new_database(migrated=False)
    nodes = [Database(url) for _ in range(5)]
    with pytest.raises(DatabaseUnavailable, match="cluster migrate"):
        await must_be_current(nodes[0])
    done = await asyncio.gather(*(migrate(node) for node in nodes))
    assert sorted(step for steps in done for step in steps) == list(known())
    for node in nodes:
        await must_be_current(node)
        await node.close()
    postgres.drop(url)


async def test_a_newer_pillarbox_has_been_here(database_url: str) -> None:
    database = Database(database_url)
    await database.change("INSERT INTO migrations (number, name) VALUES (9999, '9999_later')")
    for look in (must_be_current, migrate):
        with pytest.raises(DatabaseUnavailable, match="9999") as caught:
            await look(database)
        assert not caught.value.temporary
    await database.close()


async def test_a_restart_of_the_database_needs_nothing(
    postgres: PostgresServer, database_url: str
) -> None:
    database = Database(database_url)
    before = await applied(database)
    postgres.stop("immediate")
    with pytest.raises(DatabaseUnavailable) as caught:
        await applied(database)
    assert caught.value.temporary
    assert PASSWORD not in str(caught.value)
    postgres.start()
    assert await applied(database) == before
    await database.close()


async def test_a_wrong_password_is_for_an_operator(postgres: PostgresServer) -> None:
    database = Database(postgres.url("postgres").replace("a%20", "no%20"))
    with pytest.raises(DatabaseUnavailable) as caught:
        await applied(database)
    assert not caught.value.temporary
    assert "no%20" not in str(caught.value)
    assert "no " not in str(caught.value)
    await database.close()


async def test_a_url_that_cannot_be_is_for_an_operator(database_url: str) -> None:
    database = Database(f"{database_url}?sslmode=perhaps")
    with pytest.raises(DatabaseUnavailable) as caught:
        await applied(database)
    assert not caught.value.temporary
    assert PASSWORD not in str(caught.value)
    await database.close()
