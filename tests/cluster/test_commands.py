"""Every command that works on mail and accounts, on a cluster; and those that only a cluster has."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pillarbox.app.cli import app
from pillarbox.model import Recipient
from pillarbox.store.cluster.engine import ClusterStore, open_cluster
from pillarbox.store.cluster.objects import ObjectSettings
from pillarbox.store.cluster.settings import ClusterSettings
from pillarbox.wire.canonical import stored_form
from tests.app.cli.conftest import Run, as_before
from tests.cluster.node import Node
from tests.cluster.postgres import PASSWORD, PostgresServer
from tests.cluster.seaweedfs import SECRET_KEY

__all__ = ["as_before"]

LARGE = b"Subject: large\r\n\r\n" + b"x" * 70 * 1000 + b"\r\n"


@pytest.fixture
def node(tmp_path: Path, database_url: str, objects_settings: ObjectSettings) -> Node:
    """Its configuration; it does not run."""
    return Node(tmp_path / "node", database_url, objects_settings)


@pytest.fixture
def run(node: Node) -> Run:
    """As in ``tests/app/cli``."""

    def run(*arguments: str, code: int = 0, **options: str | bytes) -> Result:
        command = ["--config", str(node.config), *arguments]
        result = CliRunner().invoke(app, command, **options)  # type: ignore[arg-type]  # input only
        assert result.exit_code == code, result.output
        assert PASSWORD not in result.output
        assert SECRET_KEY not in result.output
        return result

    return run


@pytest.fixture
def alice(run: Run) -> str:
    run("user", "add", "alice", "--password-stdin", input="secret\n")
    return "alice"


def deliver(node: Node, user: str, *messages: bytes) -> None:
    """As a server would."""

    async def deliver() -> None:
        settings = ClusterSettings(database=node.database, objects=node.objects)
        store = await open_cluster(settings)
        for message in messages:
            assert await store.deliver(stored_form(message), [Recipient(user)]) == [None]
        await store.close()

    asyncio.run(deliver())


def shown(run: Run, user: str) -> list[int]:
    """The octets of the messages in a maildrop."""
    found = json.loads(run("maildrop", "show", user, "--json").stdout)
    return [message["octets"] for message in found["messages"]]


def test_accounts(run: Run, alice: str) -> None:
    run("user", "add", "alice", "--password-stdin", input="secret\n", code=2)
    run("user", "passwd", alice, "--password-stdin", input="another\n")
    run("user", "quota", alice, "1M")
    run("user", "disable", alice)
    (listed,) = json.loads(run("user", "list", "--json").stdout)
    assert (listed["name"], listed["quota_octets"], listed["disabled"]) == (alice, 2**20, True)
    run("user", "enable", alice)
    run("user", "require-app-passwords", alice)
    run("user", "import", "-", input="bob:{PLAIN}word\n")
    assert [one["name"] for one in json.loads(run("user", "list", "--json").stdout)] == [
        "alice",
        "bob",
    ]
    run("user", "remove", "bob", "--yes")
    run("user", "passwd", "bob", "--password-stdin", input="x\n", code=2)


def test_devices(run: Run, node: Node, alice: str) -> None:
    deliver(node, alice, b"a: b\r\n\r\n")
    added = json.loads(run("device", "add", alice, "phone", "--json").stdout)
    assert added["user_name"] == "alice+phone"
    listed = json.loads(run("device", "list", alice, "--json").stdout)
    assert [(one["device"], one["messages"]) for one in listed] == [("default", 1), ("phone", 1)]
    run("device", "remove", alice, "phone", "--yes")
    assert len(json.loads(run("device", "list", alice, "--json").stdout)) == 1
    run("device", "remove", alice, "phone", "--yes", code=2)


def test_maildrops(run: Run, node: Node, alice: str) -> None:
    deliver(node, alice, b"a: b\r\n\r\n", LARGE)
    assert shown(run, alice) == [8, len(LARGE)]
    assert "2 messages" in run("maildrop", "show", alice).stdout
    assert run("maildrop", "unlock", alice).stdout == "the maildrop of alice was not locked\n"
    assert run("maildrop", "check").stdout == "everything agrees\n"
    assert "everything in [retention] is 0" in run("maildrop", "expire").stdout
    run("maildrop", "show", "bob", code=2)


def test_to_check_one_maildrop_no_names_are_read(
    run: Run, node: Node, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which there may be millions."""
    monkeypatch.delattr(ClusterStore, "users")
    deliver(node, "carol", b"a: b\r\n\r\n")  # who has mail, and no account any more
    for user in (alice, "carol"):
        assert run("maildrop", "check", user).stdout == "everything agrees\n"
    run("maildrop", "check", "nobody", code=2)


def test_an_account_goes_with_its_mail(run: Run, node: Node, alice: str) -> None:
    deliver(node, alice, LARGE)
    assert "removed alice and 1 message" in run("user", "remove", alice, "--yes").stdout
    run("user", "add", alice, "--password-stdin", input="secret\n")
    assert shown(run, alice) == []


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    path = tmp_path / "Maildir"
    for folder in ("cur", "new", "tmp"):
        (path / folder).mkdir(parents=True)
    (path / "new" / "1700000001.a").write_bytes(b"Subject: one\n\n.first\n")
    (path / "new" / "1700000002.b").write_bytes(LARGE.replace(b"\r\n", b"\n"))
    (path / "new" / "1700000003.c").write_bytes(b"Subject: one\n\n.first\n")
    return path


def test_imports(run: Run, node: Node, alice: str, maildir: Path) -> None:
    assert run("import", str(maildir), alice).stdout.startswith("stored 3 messages")
    assert shown(run, alice) == [24, len(LARGE), 24]
    (maildir / "new" / "1700000004.d").write_bytes(b"Subject: two\n\n")
    again = run("import", str(maildir), alice).stdout
    assert again == "stored 1 message (16 octets) for alice, 3 already there by an earlier import\n"
    assert run("import", str(maildir), alice, "--again").stdout.startswith("stored 4 messages")
    assert not (node.store / "imports").exists()
    run("user", "remove", alice, "--yes")
    run("user", "add", alice, "--password-stdin", input="secret\n")
    assert run("import", str(maildir), alice).stdout.startswith("stored 4 messages")


def test_a_wrong_password_of_the_database_is_not_repeated(run: Run, node: Node) -> None:
    wrong = node.database.replace("a%20password", "another")
    node.config.write_text(node.config.read_text().replace(node.database, wrong))
    said = run("user", "list", code=1).output
    assert "password authentication failed" in said
    assert "another" not in said


def test_the_password_may_be_in_a_file(run: Run, node: Node, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    without = node.database.replace(":a%20password%20of%20the%20database", "")
    text = node.config.read_text().replace(
        f'database = "{node.database}"',
        f'database = "{without}"\ndatabase_password_file = "{secret}"',
    )
    node.config.write_text(text)
    assert "secret cannot be read by this process" in run("user", "list", code=2).output
    assert "secret cannot be read by this process" in run("check-config", code=2).output
    secret.write_text(f"{PASSWORD}\n")
    run("user", "list")
    run("check-config")


def test_a_certificate_that_is_not_there_is_named(run: Run, node: Node) -> None:
    text = node.config.read_text()
    with_file = f"{node.database}?sslmode=verify-full&sslrootcert=/none/ca.pem"
    node.config.write_text(text.replace(node.database, with_file))
    for command in (["user", "list"], ["check-config"], ["cluster", "status"]):
        assert (
            "sslrootcert names /none/ca.pem, which cannot be read" in run(*command, code=2).output
        )


def test_without_a_cluster_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    for command in ("migrate", "status", "adopt"):
        arguments = ["--set", f"store.path={tmp_path}", "cluster", command]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert 'store.engine is "embedded", which shares nothing' in result.output


def test_tables_are_made_once_whoever_makes_them(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database(migrated=False)
    nodes = [Node(tmp_path / str(number), url) for number in range(4)]

    def migrate(node: Node) -> list[str]:
        done = node.run("cluster", "migrate", "--json")
        assert done.returncode == 0, done.stderr
        applied: list[str] = json.loads(done.stdout)["applied"]
        return applied

    before = nodes[0].run("cluster", "status")
    assert before.returncode == 1
    assert "run `pillarbox cluster migrate`" in before.stdout
    with ThreadPoolExecutor(len(nodes)) as threads:
        applied = [step for steps in threads.map(migrate, nodes) for step in steps]
    assert sorted(applied) == sorted(set(applied))
    assert "0001_mail" in applied
    assert nodes[0].run("cluster", "migrate").stdout == "the tables were up to date\n"
    assert nodes[0].run("cluster", "status").returncode == 0
    postgres.drop(url)


OTHER_ORDER = """
    CREATE FUNCTION in_capitals(a TEXT, b TEXT) RETURNS BOOLEAN LANGUAGE SQL
        AS 'SELECT upper(a) OPERATOR(pg_catalog.<) upper(b)';
    CREATE OPERATOR public.< (FUNCTION = in_capitals, LEFTARG = TEXT, RIGHTARG = TEXT);
    ALTER DATABASE {} SET search_path = public, pg_catalog
"""
"""Of names, as a locale may have it. Which locales there are is the machine's affair; C is everywhere."""


def test_who_migrates_is_warned_of_a_locale_that_is_not_c(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """Its order changes with the system's; the documentation says how to make the database."""
    for warned in (False, True):
        url = postgres.new_database(migrated=False)
        node = Node(tmp_path / str(warned), url)
        if warned:
            name = url.rpartition("/")[2]
            for statement in OTHER_ORDER.format(name).split(";\n"):
                postgres.run(statement, name)
        done = node.run("cluster", "migrate", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["applied"]
        assert ("Make the database with LOCALE 'C'" in done.stderr) == warned
        assert (json.loads(done.stdout)["warning"] is not None) == warned
        postgres.drop(url)


def test_a_part_that_does_not_answer_is_named(run: Run, node: Node) -> None:
    text = node.config.read_text()
    assert run("cluster", "status").stdout.count("answers") == 2
    assert node.objects is not None
    node.config.write_text(text.replace(str(node.objects.endpoint), "http://127.0.0.1:1"))
    said = run("cluster", "status", code=1).stdout
    assert said.count("answers") == 1
    assert said.count("object store s3://") == 1
    postgres = node.database.rpartition("@")[2].partition("/")[0]
    node.config.write_text(text.replace(postgres, "127.0.0.1:1"))
    assert run("cluster", "status", code=1).stdout.count("database 127.0.0.1:1/") == 1
    assert "database 127.0.0.1:1/" in run("cluster", "migrate", code=1).output


def test_a_place_of_others_is_told_and_can_be_adopted(run: Run, node: Node, alice: str) -> None:
    deliver(node, alice, LARGE)
    run("cluster", "adopt")
    run("cluster", "status")
    node.config.write_text(node.config.read_text().replace("s3://mail/", "s3://mail/wrong-"))
    said = run("cluster", "status", code=1).stdout
    assert "it is another place: no bodies are removed there" in said
    assert "say so with `pillarbox cluster adopt`" in run("maildrop", "check", code=1).stdout
    assert "belongs to this cluster" in run("cluster", "adopt").stdout
    run("cluster", "status")
    without = node.config.read_text().replace("objects =", "# objects =")
    node.config.write_text(without)
    assert "store.objects is not set" in run("cluster", "adopt", code=1).output


def test_without_the_extra_the_command_to_install_it_is_shown(tmp_path: Path) -> None:
    """In a process that finds no asyncpg."""
    (tmp_path / "asyncpg.py").write_text("raise ImportError('there is none')")
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'asyncpg' else find(name, *rest)\n"
    )
    settings = ("store.engine=cluster", "store.database=postgresql://localhost/mail")
    command = [sys.executable, "-m", "pillarbox"]
    command += [part for setting in settings for part in ("--set", setting)]
    for arguments in (["cluster", "migrate"], ["user", "list"], ["serve"]):
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path)},
        )
        assert done.returncode == 2
        assert "pip install 'pillarbox[cluster]'" in done.stderr
