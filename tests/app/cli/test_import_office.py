import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pillarbox.app.cli import app
from pillarbox.app.moving.run import Mover
from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Identity
from pillarbox.store.embedded import open_store
from tests.app.cli.conftest import Run, collect, contents, deliver

ONE, TWO, THREE = (b"Subject: %d\r\n\r\nsome words\r\n" % n for n in range(3))
OCTETS = len(ONE)


class Old:
    """The post office that users come from: Alice with two devices and mail, Bob with none."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.config = folder / "old.toml"
        self.store = folder / "store"
        self.config.write_text(f'[server]\nuser = "root"\n[store]\npath = "{self.store}"\n')

    def run(self, *arguments: str, **options: str) -> Result:
        result = CliRunner().invoke(app, ["--config", str(self.config), *arguments], **options)  # type: ignore[arg-type]  # input only
        assert result.exit_code == 0, result.output
        return result


@pytest.fixture
def old(tmp_path: Path) -> Old:
    old = Old(tmp_path / "old")
    for user in ("alice", "bob"):
        old.run("user", "add", user, "--password-stdin", input="secret\n")
    old.run("device", "add", "alice", "phone", "--json")
    old.run("device", "add", "alice", "laptop", "--json")
    deliver(old.store, "alice", [ONE, TWO])
    return old


@pytest.fixture
def move(run: Run, old: Old) -> Callable[..., Result]:
    def move(*arguments: str, code: int = 0) -> Result:
        return run("import", str(old.config), *arguments, code=code)

    return move


def accounts(store: Path) -> list[tuple[object, ...]]:
    """All that is kept of accounts, but for their generations."""
    with closing(sqlite3.connect(store / "accounts.db")) as sql:
        rows: list[tuple[object, ...]] = []
        for statement in (
            "SELECT name, verifier, disabled, quota_octets, apop_secret FROM account ORDER BY name",
            "SELECT * FROM device ORDER BY 1, 2",
            "SELECT * FROM app_passwords_only",
            "SELECT * FROM scram ORDER BY 1, 2",
            "SELECT * FROM secret ORDER BY 1",
        ):
            rows += sql.execute(statement).fetchall()
    return rows


def listing(store: Path, user: str, view: str = "default") -> list[str]:
    async def listing() -> list[str]:
        engine = open_store(store)
        found = [info.unique_id for info in await engine.listing(user, view)]
        await engine.close()
        return found

    return asyncio.run(listing())


def test_everybody(move: Callable[..., Result], old: Old, store: Path) -> None:
    collect(old.store, "alice", "phone")
    deliver(old.store, "alice", [THREE])
    result = move("--all")
    *users, total = result.stdout.splitlines()
    assert sorted(users) == [
        f"alice: 3 messages ({3 * OCTETS} octets), 2 devices, account added",
        "bob: 0 messages (0 octets), account added",
    ]
    assert total == f"moved 3 messages ({3 * OCTETS} octets) and 2 accounts of 2 users"
    assert result.stderr == ""
    assert accounts(store) == accounts(old.store)
    for view, number in (("default", 3), ("phone", 1), ("laptop", 3)):
        assert listing(store, "alice", view) == listing(old.store, "alice", view)
        assert len(listing(store, "alice", view)) == number
    assert contents(store, "alice") == [ONE, TWO, THREE]


def test_again_brings_what_has_changed(move: Callable[..., Result], old: Old, store: Path) -> None:
    move("--all")
    again = move("--all").stdout
    assert again == "moved 0 messages (0 octets) and 0 accounts of 2 users\n"
    deliver(old.store, "alice", [THREE])
    old.run("user", "passwd", "alice", "--password-stdin", input="other\n")
    old.run("device", "remove", "alice", "phone", "--yes")
    assert move("--all").stdout == (
        f"alice: 1 message ({OCTETS} octets), account replaced\n"
        f"moved 1 message ({OCTETS} octets) and 1 account of 2 users\n"
    )
    assert accounts(store) == accounts(old.store)


def test_what_has_been_used_here_stays_as_it_is(
    move: Callable[..., Result], old: Old, run: Run, store: Path
) -> None:
    move("--all")
    assert collect(store, "alice") == 2
    run("user", "passwd", "alice", "--password-stdin", input="mine\n")
    before = accounts(store)
    deliver(old.store, "alice", [THREE])
    assert move("alice").stdout == (
        f"alice: 1 message ({OCTETS} octets), only new mail, as the maildrop is in use here or has mail of several origins, "
        "account left as it is here\n"
        f"moved 1 message ({OCTETS} octets) and 0 accounts of 1 user\n"
    )
    assert accounts(store) == before
    assert contents(store, "alice") == [THREE]


def test_some(move: Callable[..., Result], run: Run) -> None:
    move("Bob", "bob")
    assert "bob" in run("user", "list").stdout
    assert "alice" not in run("user", "list").stdout
    assert move("alice").stdout.startswith("alice: 2 messages")


def test_a_dry_run(move: Callable[..., Result], store: Path) -> None:
    foreseen = move("--all", "--dry-run").stdout
    assert foreseen.splitlines()[-1] == (
        f"would move 2 messages ({2 * OCTETS} octets) and 2 accounts of 2 users"
    )
    assert not list(store.glob("*"))
    expected = foreseen.replace("would move", "moved").splitlines()
    assert sorted(move("--all").stdout.splitlines()) == sorted(expected)
    assert move("--all", "--dry-run").stdout.startswith("would move 0 messages")


def test_who_is_in_use_is_left_for_the_next_time(move: Callable[..., Result], old: Old) -> None:
    async def while_open() -> Result:
        engine = open_store(old.store)
        session = await engine.open(Identity("alice", "phone"))
        result = await asyncio.to_thread(move, "--all", code=1)
        await session.release()
        await engine.close()
        return result

    result = asyncio.run(while_open())
    assert result.stdout.startswith("bob: 0 messages")
    assert result.stderr.startswith("not moved: alice: the maildrop of alice is in use")
    assert result.stderr.endswith("1 user not moved: give the command again\n")
    assert move("--all").stdout.startswith("alice: 2 messages")


def test_a_message_that_cannot_be_read(move: Callable[..., Result], old: Old, store: Path) -> None:
    large = b"Subject: large\r\n\r\n" + b"and so on\r\n" * 20_000
    deliver(old.store, "alice", [large, THREE])
    (body,) = old.store.glob("shard-*/bodies/*/*")
    kept = body.read_bytes()
    body.unlink()
    result = move("--all", code=1)
    assert (
        f"alice: 3 messages ({3 * OCTETS} octets), 2 devices, account added, 1 message left out"
        in (result.stdout)
    )
    assert result.stderr.startswith("left out: alice: ")
    assert "is missing" in result.stderr
    assert contents(store, "alice") == [ONE, TWO, THREE]
    body.write_bytes(kept)
    assert move("alice").stdout.startswith("alice: 1 message")


def test_a_store_that_is_away_is_told_with_the_user_it_was_away_for(
    move: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> object:
        raise StoreUnavailable("the disk is full", temporary=True)

    monkeypatch.setattr(Mover, "_mail", away)
    assert "alice: the disk is full" in move("alice", code=1).stderr


def test_who_was_removed_there_between_two_imports_is_named(
    move: Callable[..., Result], old: Old, run: Run
) -> None:
    assert move("--all").stderr == ""
    old.run("user", "remove", "bob", "--yes")
    said = "not there any more, or never was, but here: bob"
    assert said in move("--all", "--dry-run").stderr
    assert said in move("--all").stderr
    assert "bob" not in move("alice").stderr
    run("user", "remove", "bob", "--yes")
    assert move("--all").stderr == ""


def test_broken_off(
    move: Callable[..., Result], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Mover._move

    async def interrupted(self: Mover, user: str) -> object:
        if user == "bob":
            raise StoreUnavailable("the disk is full", temporary=True)
        return await moved(self, user)

    monkeypatch.setattr("pillarbox.app.moving.run.AT_ONCE", 1)
    monkeypatch.setattr(Mover, "_move", interrupted)
    result = move("--all", code=1)
    assert result.stderr == (
        "pillarbox: the disk is full; 1 user done until then: the same command goes on from there\n"
    )
    monkeypatch.undo()
    assert len(contents(store, "alice")) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all", "alice"], "name the users that are to be moved, or give --all"),
        ([], "name the users that are to be moved, or give --all"),
        (["alice", "--again"], "from another post office each message comes once"),
        (["carol", "alice", "dave"], "carol, dave: nothing is there of this user"),
    ],
)
def test_what_cannot_be_meant(
    move: Callable[..., Result], run: Run, store: Path, arguments: list[str], said: str
) -> None:
    assert said in move(*arguments, code=2).stderr
    assert not (store / "accounts.db").exists() or run("user", "list").stdout == ""


def test_a_post_office_is_not_moved_into_itself(old: Old) -> None:
    command = ["--config", str(old.config), "import", str(old.config), "--all"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "is the configuration of this very post office" in result.stderr


def test_there_is_no_post_office_there(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "none.toml"
    config.write_text(f'[server]\nuser = "root"\n[store]\npath = "{tmp_path / "none"}"\n')
    assert "there is no post office at" in run("import", str(config), "--all", code=2).stderr


def test_what_is_for_post_offices_only(run: Run, alice: str, tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(b"")
    for options in (["--all"], [alice, "--dry-run"]):
        result = run("import", str(tmp_path / "mbox"), *options, code=2)
        assert "are for another post office" in result.stderr
    result = run("import", str(tmp_path / "mbox"), alice, "bob", code=2)
    assert "one Maildir or mbox is imported for one user" in result.stderr


def test_accounts_of_another_origin_are_refused_before_anything_is_moved(
    move: Callable[..., Result], alice: str, store: Path
) -> None:
    result = move("--all", code=1)
    assert "secrets of its own" in result.stderr
    assert contents(store, alice) == []
