"""What rows of the cluster engine take, with their indexes. Results and conclusion: cluster_rows.md.

``python -m experiments.cluster_rows``: rows as a provider has them, put in by SQL. Sizes are sizes: it may run
beside other work.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.cluster.postgres import PostgresServer, postgres_server

MAILBOXES = 100_000
MESSAGES = 5
"""Of each."""
ROUNDS = 6
"""In which every view is taken and given back."""
SLICES = 50
"""Of a round; after each there is a vacuum, as the advice of docs/howto/cluster.md has it."""

NAME = "'user' || substr(md5(i::TEXT), 1, 13) || '@example.org'"
FILL = f"""
    INSERT INTO maildrops (name, next_seq, messages, octets)
    SELECT {NAME}, {MESSAGES} + 1, {MESSAGES}, {MESSAGES} * 75000 FROM generate_series(1, {MAILBOXES}) AS i;
    INSERT INTO views (maildrop, name, token, seen_at)
    SELECT name, 'default', 1795000000000000, now() FROM maildrops;
    INSERT INTO messages (maildrop, seq, unique_id, octets, stored, international, checksum)
    SELECT name, seq, substr(md5(name || seq), 1, 26), 75000, 75100, FALSE, 123456789
    FROM maildrops, generate_series(1, {MESSAGES}) AS seq;
    INSERT INTO account (name, verifier, generation, created_at, changed_at)
    SELECT name, '$argon2id$v=19$m=65536,t=3,p=4$' || repeat('x', 66), 1795000000000000, 1, 1 FROM maildrops;
    INSERT INTO scram ("user", hash_name, keys)
    SELECT name, 'sha256', repeat('x', 140) FROM maildrops;
    INSERT INTO hidden (maildrop, view, seq) SELECT name, 'phone', 1 FROM maildrops;
    INSERT INTO objects (id, refs) SELECT gen_random_uuid(), 1 FROM maildrops;
    INSERT INTO bodies (maildrop, seq, data) SELECT name, 1, ''::BYTEA FROM maildrops
"""
PER_TABLE = {"messages": MESSAGES}


def sizes(server: PostgresServer, database: str, tables: list[str]) -> Iterator[str]:
    for table in tables:
        ((rows, index),) = server.run(
            f"SELECT pg_table_size('{table}'), pg_indexes_size('{table}')", database
        )
        count = MAILBOXES * PER_TABLE.get(table, 1)
        yield f"| {table} | {rows / count:.0f} | {index / count:.0f} |"


def poll_all(server: PostgresServer, database: str) -> None:
    """As sessions do, in no order."""
    for number in range(SLICES):
        which = f"abs(hashtext(maildrop)) % {SLICES} = {number}"
        taken = "token = token + 1, holder = gen_random_uuid(), opening = gen_random_uuid(), seen_at = now()"
        server.run(f"UPDATE views SET {taken} WHERE {which}", database)
        server.run(f"UPDATE views SET holder = NULL, opening = NULL WHERE {which}", database)
        server.run("VACUUM views", database)


def main() -> None:
    with postgres_server() as server:
        database = server.new_database().rpartition("/")[2]
        for statement in FILL.split(";"):
            server.run(statement, database)
        server.run("VACUUM ANALYZE", database)
        print("| table | rows | indexes |\n| --- | ---: | ---: |")
        tables = [
            "maildrops",
            "views",
            "account",
            "scram",
            "messages",
            "hidden",
            "objects",
            "bodies",
        ]
        print(*sizes(server, database, tables), sep="\n")
        for room in (100, 50):
            server.run(f"ALTER TABLE views SET (fillfactor = {room})", database)
            server.run("VACUUM FULL views", database)
            server.run("SELECT pg_stat_reset_single_table_counters('views'::regclass)", database)
            for _ in range(ROUNDS):
                poll_all(server, database)
            (row,) = sizes(server, database, ["views"])
            statistics = "SELECT round(100.0 * n_tup_hot_upd / n_tup_upd) FROM pg_stat_user_tables WHERE relname = 'views'"
            server.run("SELECT pg_stat_force_next_flush()", database)
            ((hot,),) = server.run(statistics, database)
            print(f"{row} after {ROUNDS} polls, fillfactor {room}: {hot} % of changes in place")


if __name__ == "__main__":
    main()
