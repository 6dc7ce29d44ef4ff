"""``maildrop check``: faults of views are found and mended, and no message is lost by it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pillarbox.model import Identity, Recipient
from pillarbox.store.embedded import EmbeddedStore, look_at_store, open_store
from pillarbox.testing.store_contract import delete, seen_next

from .actor import letter
from .test_check import sql

LETTERS = [letter(str(n), n) for n in range(1, 6)]
DATA = [message.data for message in LETTERS]
VIEWS = ("default", "laptop", "phone")
# What each view lists, by the letters' numbers: the phone (view 2) has deleted 1 and 2, and a
# tablet that is gone has deleted 2 and 3.
SOUND = {"default": "12345", "laptop": "12345", "phone": "345"}


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    store = open_store(folder, shards=1)
    for message in LETTERS:
        await store.deliver(message, [Recipient("alice")])
    await (await store.open(Identity("alice"))).release()
    for view in ("phone", "laptop", "tablet"):
        await store.add_view("alice", view)
    await delete(store, "alice", [1, 2], view="phone")
    await delete(store, "alice", [2, 3], view="tablet")
    await store.remove_view("alice", "tablet")
    await store.deliver(LETTERS[0], [Recipient("bob")])
    assert await store.check() == []
    assert await lists_of(store) == SOUND
    await store.close()
    return folder


async def lists_of(store: EmbeddedStore) -> dict[str, str]:
    return {
        view: "".join(str(DATA.index(data) + 1) for data in await seen_next(store, "alice", view))
        for view in VIEWS
    }


# Each fault: the statements that make it, what is said of it, and what the views list then.
BY_USER = [
    pytest.param(
        ["UPDATE views SET messages = 7 WHERE name = 'phone'"],
        r"\(view phone: 7 of 36\) .* \(the view's: 3 of 36\)",
        SOUND,
        id="counter of a device",
    ),
    pytest.param(
        ["UPDATE views SET octets = octets + 1 WHERE maildrop = 1"],
        "view default: 5 of",
        SOUND,
        id="octets of all views",
    ),
    pytest.param(
        ["DELETE FROM views WHERE id = 1"],
        "no view default",
        SOUND,
        id="no default",
    ),
    pytest.param(
        ["DELETE FROM hidden WHERE view = 2 AND seq = 2", "UPDATE views SET since = 0"],
        "view phone: 3 of",
        {**SOUND, "phone": "2345"},
        id="a mark of deletion lost",
    ),
    pytest.param(
        ["INSERT INTO hidden (view, seq) VALUES (2, 77), (-1, 99)"],
        "view -1 has 1 marks of deleted messages that are not there",
        SOUND,
        id="marks of nothing",
    ),
    pytest.param(
        ["UPDATE views SET since = 9, messages = 0, octets = 0 WHERE name = 'phone'"],
        "next number 6; .* the last numbered 8",
        {**SOUND, "phone": ""},
        id="a view that is ahead",
    ),
    pytest.param(
        [
            "INSERT INTO hidden (view, seq) SELECT id, 2 FROM views WHERE id IN (1, 3)",
            "UPDATE views SET messages = messages - 1, octets = octets - 4 WHERE id IN (1, 3)",
        ],
        "1 messages should have been removed",
        {"default": "1345", "laptop": "1345", "phone": "345"},
        id="a message that nobody lists",
    ),
    pytest.param(
        [
            "DELETE FROM hidden",
            "UPDATE views SET since = 5, messages = 1, octets = 10 WHERE maildrop = 1",
        ],
        "4 messages are on no list",
        {"default": "12345", "laptop": "5", "phone": "5"},
        id="messages that nobody has deleted",
    ),
]
OF_THE_STORE = [
    pytest.param(
        [
            "INSERT INTO views (id, maildrop, name) VALUES (66, 99, 'x')",
            "INSERT INTO hidden VALUES (66, 1)",
        ],
        r"view 66 \(x\) belongs to no maildrop",
        SOUND,
        id="a view of nobody",
    ),
    pytest.param(
        ["INSERT INTO hidden (view, seq) VALUES (88, 1)"],
        "view 88 has 1 marks",
        SOUND,
        id="a mark of no view",
    ),
]


@pytest.mark.parametrize(("statements", "words", "left"), BY_USER + OF_THE_STORE)
async def test_fault_is_found_and_mended(
    folder: Path, statements: list[str], words: str, left: dict[str, str]
) -> None:
    await found_and_mended(folder, None, statements, words, left)


@pytest.mark.parametrize(("statements", "words", "left"), BY_USER)
async def test_fault_is_found_when_its_user_is_checked(
    folder: Path, statements: list[str], words: str, left: dict[str, str]
) -> None:
    await found_and_mended(folder, "alice", statements, words, left)


async def found_and_mended(
    folder: Path, user: str | None, statements: list[str], words: str, left: dict[str, str]
) -> None:
    for statement in statements:
        sql(folder, statement)
    looking = look_at_store(folder)
    assert await looking.check("bob") == []
    for _ in range(2):
        findings = await looking.check(user)
        assert any(_says(finding.problem, words) for finding in findings), findings
        assert not any(finding.repaired for finding in findings)
    await looking.close()
    store = open_store(folder)
    findings = await store.check(user, repair=True)
    assert any(_says(finding.problem, words) for finding in findings), findings
    assert all(finding.repaired for finding in findings), findings
    assert await store.check() == []
    assert await lists_of(store) == left
    assert await store.deliver(LETTERS[4], [Recipient("alice")]) == [None]
    assert await lists_of(store) == {view: letters + "5" for view, letters in left.items()}
    for view in VIEWS:
        opened = await store.open(Identity("alice", view))
        await opened.commit(range(1, opened.count + 1))
        await opened.release()
    assert (await store.status("alice")).count == 0
    assert await store.check() == []
    await store.close()


def _says(problem: str, words: str) -> bool:
    return re.search(words, problem) is not None


async def test_a_damaged_body_is_taken_off_every_list(folder: Path) -> None:
    sql(folder, "DELETE FROM bodies WHERE id IN (SELECT body FROM messages WHERE seq = 2)")
    store = open_store(folder)
    assert all(finding.repaired for finding in await store.check("alice", repair=True))
    assert await store.check("alice") == []
    assert await lists_of(store) == {"default": "1345", "laptop": "1345", "phone": "345"}
    await store.close()
