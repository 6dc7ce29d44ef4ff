from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pillarbox.reader.errors import BadFolderName, NoSuchFolder
from pillarbox.reader.library.tree import Tree, is_own
from pillarbox.reader.model import Folder


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "mail")


def made(tree: Tree, *folders: str) -> None:
    for folder in folders:
        tree.make(Folder(folder))


def test_a_directory_is_a_folder_if_it_has_all_three(tree: Tree) -> None:
    made(tree, "Inbox/work", "Projects/2026")
    (tree.root / "half/cur").mkdir(parents=True)
    assert list(tree.folders()) == ["Inbox/work", "Projects/2026"]
    assert tree.has(Folder("Projects/2026"))
    assert not tree.has(Folder("Projects"))
    assert not tree.has(Folder("half"))


def test_folders_are_their_owners_only(tree: Tree) -> None:
    made(tree, "A/b")
    for path in (tree.root, *tree.root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.parametrize("account", ["new", "cur", "tmp"])
def test_an_account_may_be_called_as_a_part_of_a_maildir(tree: Tree, account: str) -> None:
    made(tree, f"Inbox/{account}")
    assert list(tree.folders()) == [f"Inbox/{account}"]
    assert not tree.has(Folder("Inbox"))


@pytest.mark.parametrize("path", ["..", "A/..", "../mail/A", ".", "", "/", "A/", "A\0", "/etc"])
def test_nothing_outside_is_a_folder(tree: Tree, path: str) -> None:
    made(tree, "A")
    for part in ("tmp", "new", "cur"):
        (tree.root.parent / part).mkdir()
    with pytest.raises(NoSuchFolder):
        tree.directory(Folder(path))


def test_links_are_not_followed(tree: Tree, tmp_path: Path) -> None:
    made(tree, "A")
    elsewhere = Tree(tmp_path / "elsewhere")
    made(elsewhere, "B")
    (tree.root / "link").symlink_to(elsewhere.root / "B")
    (tree.root / "A/link").symlink_to(elsewhere.root)
    assert list(tree.folders()) == ["A"]
    assert not tree.has(Folder("link"))
    assert not tree.has(Folder("A/link/B"))
    with pytest.raises(BadFolderName):
        tree.make(Folder("A/link/C"))
    assert list(elsewhere.folders()) == ["B"]


@pytest.mark.parametrize("path", ["Projects", "projects", "PROJECTS", "Projects/", "A/B", "a/b"])
def test_a_name_that_is_taken(tree: Tree, path: str) -> None:
    made(tree, "Projects", "A/B")
    with pytest.raises(BadFolderName):
        tree.free_name(path)


@pytest.mark.parametrize(
    ("path", "folder"),
    [("A", "A"), ("a", "A"), ("a/C", "A/C"), ("Projects/x", "Projects/x"), ("new one", "new one")],
)
def test_a_name_that_is_free(tree: Tree, path: str, folder: str) -> None:
    """Also that of a directory that only holds folders; spelt as it is."""
    made(tree, "Projects", "A/B")
    assert tree.free_name(path) == folder


def test_a_file_in_the_way(tree: Tree) -> None:
    made(tree, "A")
    (tree.root / "notes").write_text("mine")
    with pytest.raises(BadFolderName):
        tree.free_name("notes")


def test_renaming_takes_all_along(tree: Tree) -> None:
    made(tree, "A", "A/B", "C")
    (tree.root / "A/B/cur/1:2,").write_bytes(b"x")
    wanted = tree.free_name("C/D", Folder("A"))
    tree.rename(Folder("A"), wanted)
    assert list(tree.folders()) == ["C", "C/D", "C/D/B"]
    assert (tree.root / "C/D/B/cur/1:2,").read_bytes() == b"x"


@pytest.mark.parametrize("path", ["A/B", "A/x", "C", "c", "B"])
def test_not_to_be_renamed_to(tree: Tree, path: str) -> None:
    made(tree, "A", "A/B", "C", "B/x")
    with pytest.raises(BadFolderName):
        tree.free_name(path, Folder("A"))


def test_only_the_case_changes(tree: Tree) -> None:
    made(tree, "projects")
    tree.rename(Folder("projects"), tree.free_name("Projects", Folder("projects")))
    assert list(tree.folders()) == ["Projects"]


def test_removing_leaves_what_is_not_ours(tree: Tree) -> None:
    made(tree, "A", "B")
    (tree.root / "A/tmp/half").write_bytes(b"x")
    (tree.root / "B/notes").write_text("mine")
    tree.remove(Folder("A"))
    tree.remove(Folder("B"))
    assert list(tree.folders()) == []
    assert sorted(path.name for path in tree.root.rglob("*")) == ["B", "notes"]


def test_removing_with_a_message_that_came_just_now(tree: Tree) -> None:
    made(tree, "A")
    (tree.root / "A/new/1").write_bytes(b"x")
    tree.remove(Folder("A"))
    assert (tree.root / "A/new/1").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("folder", "own"),
    [("Inbox/work", False), ("Sent", False), ("Trash", False), ("Archive/2026", True), ("A", True)],
)
def test_whose_folders_are(folder: str, own: bool) -> None:
    assert is_own(Folder(folder)) is own


@pytest.mark.parametrize(
    ("folder", "own"),
    [
        ("Inbox/work", False),
        ("Inbox/work/In it", False),
        ("Inbox/old", True),
        ("Inbox/old/In it", True),
    ],
)
def test_an_inbox_without_an_account_is_the_users_own(folder: str, own: bool) -> None:
    assert is_own(Folder(folder), ["work"]) is own
    assert not is_own(Folder("Sent"), ["work"])
    assert not is_own(Folder(folder)), "nobody says which accounts there are"
