"""The shared database itself: migrations, errors, and what happens when it goes and comes back."""

from __future__ import annotations

import asyncio
import math

import psycopg
import pytest

from pillarbox.app.cluster_care import migrate_tables
from pillarbox.app.config.settings import Config
from pillarbox.app.config.store import StoreSettings
from pillarbox.app.exits import CommandFailed
from pillarbox.database import Database, DatabaseUnavailable, OutcomeUnknown
from pillarbox.database.migrate import Migration, applied, known, migrate, must_be_current, needs_of
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
    await database.change(
        "INSERT INTO migrations (number, name, needs) VALUES (9999, '9999_later', 9998)"
    )
    for look in (must_be_current, migrate):
        with pytest.raises(DatabaseUnavailable, match="9999") as caught:
            await look(database)
        assert not caught.value.temporary
    await database.close()


async def test_one_can_go_back_from_a_newer_pillarbox_that_says_so(database_url: str) -> None:
    """Its migration has to be one with which this one can work."""
    database = Database(database_url)
    newest = known()[-1].number
    await database.change(
        f"INSERT INTO migrations (number, name, needs) VALUES (9999, '9999_later', {newest})"
    )
    await must_be_current(database)
    assert await migrate(database) == []
    await database.close()


def test_a_migration_needs_itself_unless_it_says_less() -> None:
    assert needs_of("-- About it.\nCREATE TABLE a (b BIGINT);\n", 7) == 7
    assert needs_of("-- About it.\n-- needs: 0005\nCREATE TABLE a (b BIGINT);\n", 7) == 5


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


async def test_what_has_worked_before_is_expected_back(postgres: PostgresServer) -> None:
    """Sessions that are open are not told that the storage is damaged: somebody sees to it already."""
    url = postgres.new_database(migrated=False)
    database, new = Database(url), Database(url)
    await database.fetch("SELECT 1")
    postgres.drop(url)
    with pytest.raises(DatabaseUnavailable):  # the connection was lost with it
        await database.change("SELECT 1")
    for asked, temporary in ((database, True), (new, False)):
        with pytest.raises(DatabaseUnavailable, match="does not exist") as caught:
            await asked.fetch("SELECT 1")
        assert caught.value.temporary is temporary
        await asked.close()


async def test_a_url_that_cannot_be_is_for_an_operator(database_url: str) -> None:
    database = Database(f"{database_url}?sslmode=perhaps")
    with pytest.raises(DatabaseUnavailable) as caught:
        await applied(database)
    assert not caught.value.temporary
    assert PASSWORD not in str(caught.value)
    await database.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://post:12/geheim@127.0.0.1/mail",
        "postgresql://post:geheim/more@127.0.0.1/mail",
        "postgresql://post:geheim@127.0.0.1:99999/mail",
        "postgresql://post:geheim@127.0.0.1:54a2/mail",
    ],
)
async def test_a_password_that_moved_within_the_url_is_in_no_error(url: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseUnavailable, match=r"store\.database") as caught:
        await database.fetch("SELECT 1")
    assert not caught.value.temporary
    assert "geheim" not in f"{caught.value} {caught.value.__cause__} {database.name}"
    await database.close()


async def test_a_statement_that_takes_too_long_is_undone_for_certain(database_url: str) -> None:
    """The database says so itself, and there is nothing wrong with the connection."""
    database = Database(database_url, connections=1, statement_seconds=1.5)
    ((before,),) = await database.fetch("SELECT pg_backend_pid()")
    with pytest.raises(DatabaseUnavailable, match="took too long, and was undone") as caught:
        await database.change("SELECT pg_sleep(3600)")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.temporary
    ((after,),) = await database.fetch("SELECT pg_backend_pid()")
    assert before == after
    await database.close()


async def test_a_database_that_does_not_answer_is_not_asked_again(
    postgres: PostgresServer, database_url: str
) -> None:
    database = Database(database_url, connections=1, statement_seconds=1)
    await database.fetch("SELECT 1")
    with (
        postgres.hanging(),
        pytest.raises(OutcomeUnknown, match="has not answered within 1 seconds"),
    ):
        await database.fetch("SELECT 1")
    await database.close()


async def test_a_migration_may_take_as_long_as_it_takes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Migration(
        9999,
        "9999_said",
        9999,
        ("CREATE TABLE said AS SELECT current_setting('statement_timeout')",),
    )
    monkeypatch.setattr("pillarbox.database.migrate.known", lambda: (*known(), step))
    config = Config(store=StoreSettings(engine="cluster", database=database_url))
    assert (await migrate_tables(config)).applied == ["9999_said"]
    database = Database(database_url)
    assert [tuple(row) for row in await database.fetch("SELECT * FROM said")] == [("0",)]
    await database.close()


async def test_a_migration_that_meets_what_is_there_twice_is_not_taken_for_done(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = (
        "CREATE TABLE twice AS SELECT 1 AS a FROM generate_series(1, 2)",
        "CREATE UNIQUE INDEX once ON twice (a)",
    )
    step = Migration(9999, "9999_once", 9999, statements)
    monkeypatch.setattr("pillarbox.database.migrate.known", lambda: (*known(), step))
    config = Config(store=StoreSettings(engine="cluster", database=database_url))
    with pytest.raises(CommandFailed, match="once"):
        await migrate_tables(config)


async def test_a_migration_that_waits_for_a_lock_lets_others_pass(
    postgres: PostgresServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup holds a table. Who waits to change it must not keep everybody else from it, too."""
    step = Migration(9999, "9999_novel", 9999, ("ALTER TABLE maildrops ADD COLUMN novel BIGINT",))
    monkeypatch.setattr("pillarbox.database.migrate.known", lambda: (*known(), step))
    monkeypatch.setattr("pillarbox.database.migrate.LOCK_SECONDS", 0.2)
    monkeypatch.setattr("pillarbox.database.migrate.LOCK_PAUSE_SECONDS", 0.0)
    database = Database(database_url)
    migrating_by = Database(database_url, connections=1, statement_seconds=math.inf)
    with psycopg.connect(database_url) as backup:
        backup.execute("LOCK TABLE maildrops IN ACCESS SHARE MODE")
        migrating = asyncio.create_task(migrate(migrating_by))
        asked = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'maildrops'::regclass"
        while not await database.fetch(asked):
            assert not migrating.done()
        await database.fetch("SELECT count(*) FROM maildrops")
        assert not migrating.done()
    assert await migrating == [step]
    await database.close()
    await migrating_by.close()


async def test_a_database_that_cannot_keep_all_names_is_refused(postgres: PostgresServer) -> None:
    postgres.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    database = Database(postgres.url("latin"))
    with pytest.raises(DatabaseUnavailable, match=r"LATIN1.*ENCODING 'UTF8'") as caught:
        await database.fetch("SELECT 1")
    assert not caught.value.temporary
    await database.close()
    postgres.drop(postgres.url("latin"))
