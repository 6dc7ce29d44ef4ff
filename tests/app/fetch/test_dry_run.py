"""``--dry-run`` tells what a run would do, and does nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.app.fetch.conftest import Box

Make = Callable[[], Box]


def everything(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        yield str(path), path.read_bytes() if path.is_file() else b""


def test_nothing_is_changed_here_or_there(box: Box) -> None:
    box.deliver("one", "two")
    before = list(everything(box.home))
    done = box.fetch("--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].startswith("retrieve and delete message 1 (")
    assert done.out.splitlines()[-1].startswith("2 messages to retrieve (")
    assert list(everything(box.home)) == before
    assert box.on_server == ["one", "two"]
    assert box.fetch("--keep").code == 0
    before = list(everything(box.home))
    done = box.fetch("--dry-run")
    assert done.out.splitlines()[0].startswith("delete message 1 (")
    assert done.out.splitlines()[-1] == (
        "the rules before kept 2 messages of those to delete: a run leaves them until you say "
        "yes, or --yes"
    )
    assert "until you say yes" not in box.fetch("--dry-run", "--yes").out
    assert list(everything(box.home)) == before


def test_several_accounts_and_one_that_fails(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(
        f'[defaults]\nto = "maildir:Mail"\n[accounts.a]\n{box.account}[accounts.b]\n'
        f"{other.account.replace('cat ', 'echo no; : ')}"
    )
    box.deliver("one")
    done = box.run("fetch", "--dry-run")
    assert done.code == 3
    assert all(line.startswith("a: ") for line in done.out.splitlines())
    assert done.err.startswith("pillarbox: b: the server refused the sign-in")


def test_for_scripts(box: Box) -> None:
    box.deliver("one")
    done = box.fetch("--dry-run", "--json")
    preview, last = done.events
    assert preview["event"] == "preview"
    assert (preview["retrieve"], preview["delete"], preview["to_confirm"]) == (1, 0, 0)
    (message,) = preview["messages"]
    assert message["number"] == 1
    assert message["unique_id"] in box.office.unique_ids(box.user)
    assert (message["action"], message["then_delete"]) == ("retrieve", True)
    assert last["event"] == "done"
    assert last["exit_code"] == 0
    (box.home / "password").write_text("wrong")
    done = box.fetch("--dry-run", "--json")
    assert done.code == 3
    assert [event["event"] for event in done.events] == ["problem", "done"]
    assert json.loads(done.out.splitlines()[-1])["exit_code"] == 3
