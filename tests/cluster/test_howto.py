"""What docs/howto/cluster.md says to the database is understood there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cluster.postgres import PostgresServer

HOWTO = (Path(__file__).parents[2] / "docs" / "howto" / "cluster.md").read_text()


def test_the_advice_on_vacuum(postgres: PostgresServer, database_url: str) -> None:
    (advice,) = (x for x in re.findall(r"```sql\n(.*?)```", HOWTO, re.DOTALL) if "fillfactor" in x)
    name = database_url.rpartition("/")[2]
    for statement in advice.strip().split("\n"):
        postgres.run(statement, name)
    told = postgres.run("SELECT relname FROM pg_class WHERE reloptions IS NOT NULL", name)
    assert {relation for (relation,) in told} >= {"views", "maildrops", "processes"}


def test_no_column_that_changes_often_is_indexed(
    postgres: PostgresServer, database_url: str
) -> None:
    indexed = postgres.run(
        "SELECT indexdef FROM pg_indexes WHERE tablename IN ('maildrops', 'views', 'processes')",
        database_url.rpartition("/")[2],
    )
    columns = [re.findall(r"\((.*)\)", definition)[0] for (definition,) in indexed]
    assert sorted(columns) == ["id", "maildrop, name", "name"]
