from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.errors import BadFolderName
from pillarbox.reader.library.names import (
    MAX_DEPTH,
    entry_of,
    file_name,
    folder_like,
    folder_named,
    holds_folders,
    key_of,
    new_base,
    same_name,
)
from pillarbox.reader.model import ARCHIVE, TRASH, Entry, Flag, Folder

WORK = Folder("Inbox/work")


@pytest.mark.parametrize(
    ("name", "base", "flags", "extra"),
    [
        ("1.a.host:2,", "1.a.host", "", ""),
        ("1.a.host:2,FRS", "1.a.host", "FRS", ""),
        ("1.a.host,S=12:2,SRF", "1.a.host,S=12", "FRS", ""),
        ("1.a.host:2,Sab", "1.a.host", "S", "ab"),
        ("1.a.host:1,S", "1.a.host", "", ""),  # "experimental semantics"
        ("1.a.host", "1.a.host", "", ""),
        ("no time at all", "no time at all", "", ""),
    ],
)
def test_what_a_name_in_cur_says(name: str, base: str, flags: str, extra: str) -> None:
    entry = entry_of(WORK, name, new=False)
    assert (entry.base, entry.flags, entry.extra) == (base, frozenset(map(Flag, flags)), extra)


@given(
    base=st.text(st.characters(categories=["L", "N"]), min_size=1),
    flags=st.frozensets(st.sampled_from(Flag)),
    extra=st.text("abcxyz"),
)
def test_a_name_says_what_it_was_made_of(base: str, flags: frozenset[Flag], extra: str) -> None:
    entry = Entry(WORK, base, flags, extra=extra)
    name = file_name(entry)
    assert entry_of(WORK, name, new=False) == entry
    letters = re.sub("[a-z]", "", name.partition(":2,")[2])
    assert list(letters) == sorted(letters), "in the order of ASCII, as the specification asks"


def test_new_names_differ() -> None:
    assert len({new_base() for _ in range(1000)}) == 1000


@given(st.text())
def test_a_key_is_fit_for_a_url(base: str) -> None:
    try:
        base.encode()
    except UnicodeEncodeError:
        return
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", key_of(base))
    assert key_of(base) == key_of(base)


def test_a_name_that_is_no_text_has_a_key() -> None:
    assert len(key_of("caf\udce9")) == 22


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("Projects", "Projects"),
        ("Projects/2026", "Projects/2026"),
        (" Projects / Next year ", "Projects/Next year"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("家族", "家族"),
        ("newer", "newer"),
        ("a.b", "a.b"),
        ("Archive/2026", "Archive/2026"),
        ("x" * 200, "x" * 200),
    ],
)
def test_names_that_folders_can_have(path: str, folder: str) -> None:
    assert folder_named(path) == folder


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "/",
        "a//b",
        "/etc",
        "..",
        "a/../b",
        ".hidden",
        "a/.b",
        "tmp",
        "New",
        "a/CUR",
        "a\0b",
        "a\nb",
        "\u202eevil",
        "zero\u200bwidth",
        "x" * 201,
        "é" * 101,
        "a/" * MAX_DEPTH + "b",
        "Inbox",
        "inbox/mine",
        "Drafts",
        "outbox",
    ],
)
def test_names_that_they_cannot(path: str) -> None:
    with pytest.raises(BadFolderName):
        folder_named(path)


@given(st.text())
def test_no_name_leads_out_of_the_library(path: str) -> None:
    try:
        folder = folder_named(path)
    except BadFolderName:
        return
    assert folder_named(folder) == folder
    for part in folder.split("/"):
        assert part not in {"", ".", ".."}
        assert not part.startswith(".")


@pytest.mark.parametrize(("one", "other"), [("a", "A"), ("Straße", "STRASSE"), ("é", "e\u0301")])
def test_names_too_much_alike(one: str, other: str) -> None:
    assert same_name(one, other)
    assert not same_name(one, f"{other}s")


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        ((), "Archive"),
        (("Inbox", "2026"), "Archive/Inbox/2026"),
        (("new",), "Archive/new_"),
        ((" .hidden ",), "Archive/hidden"),
        (("a/b\u202e",), "Archive/a_b"),
        (("..",), "Archive/_"),
        ((". .x",), "Archive/x"),
        ((".\u3000..cur",), "Archive/cur_"),
        (("é" * 200,), "Archive/" + "é" * 100),
        (tuple("abcdefghij"), "Archive/a/b/c/d/e/f/g - h - i - j"),
    ],
)
def test_a_folder_that_stands_for_one_of_another_program(
    names: tuple[str, ...], folder: str
) -> None:
    found = folder_like(ARCHIVE, names)
    assert found == folder
    assert found == ARCHIVE or folder_named(found) == found


@given(st.lists(st.text(max_size=300), max_size=12))
def test_whatever_another_program_calls_a_folder_one_stands_for_it(names: list[str]) -> None:
    found = folder_like(ARCHIVE, names)
    assert folder_named(found) == found


@pytest.mark.parametrize("depth", range(1, MAX_DEPTH + 1))
def test_a_folder_holds_folders_unless_it_is_as_deep_as_they_can_be(depth: int) -> None:
    """One that is took nothing, and each box was told as one that cannot be taken."""
    above = Folder("/".join("abcdefgh"[:depth]))
    assert holds_folders(above) == (depth < MAX_DEPTH)
    if depth < MAX_DEPTH:
        assert folder_like(above, tuple("xyz" * 4)).startswith(f"{above}/")
    else:
        with pytest.raises(BadFolderName, match="Choose a place further up"):
            folder_like(above, ("x",))


@pytest.mark.parametrize("above", [TRASH, Folder("Inbox/work")])
def test_what_holds_no_folders_holds_none_of_another_program(above: Folder) -> None:
    assert folder_like(above, ()) == above
    with pytest.raises(BadFolderName):
        folder_like(above, ("a",))
