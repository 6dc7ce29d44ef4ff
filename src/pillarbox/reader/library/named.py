"""What the user has named to import: a file, or a folder with boxes in it, of another program's; not the library itself."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.errors import NotImportable
from pillarbox.reader.incoming import INCOMING
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.sentences import shown
from pillarbox.sources.boxes import Box, Identity, boxes_in, identity_of, letter_at, mbox_at
from pillarbox.sources.letters import HEAD, is_letter, no_mail
from pillarbox.sources.mbox import is_mbox
from pillarbox.sources.regular import open_regular


def boxes_of(path: Path, tree: Tree) -> list[Box]:
    """Those of *path*, but for what is in the library of *tree*.

    Raises:
        NotImportable: there is nothing, or nothing else. Its sentence begins with the path.
    """
    own = _identities(tree.root, tree.root.parent)
    if _is_within(path, own, _identities(tree.root.parent / INCOMING)):
        raise NotImportable(shown(f"{path}: is in the library already."))
    try:
        if path.is_dir():
            return boxes_in(path, own)
        with open_regular(path, follow=True) as file:
            is_whole = is_mbox(file)
            file.seek(0)
            head = file.read(HEAD)
        if is_whole or head.lstrip().startswith(b"From "):
            return [mbox_at(path, follow=True)]
        if is_letter(head):
            return [letter_at(path)]
    except PillarboxError as error:
        raise NotImportable(shown(f"{error}.")) from error
    except OSError as error:
        raise NotImportable(shown(f"{path}: cannot be read: {error.strerror or error}.")) from error
    raise NotImportable(shown(f"{path}: {no_mail(head)}."))


def _is_within(path: Path, own: Collection[Identity], but: Collection[Identity]) -> bool:
    """Whether it is one of *own*, or in one, and in none of *but* there: files that were sent lie in the library, too."""
    real = Path(os.path.realpath(path))
    for each in (real, *real.parents):
        identity = identity_of(each)
        if identity in but:
            return False
        if identity in own:
            return True
    return False


def _identities(*paths: Path) -> set[Identity]:
    return {identity for path in paths if (identity := identity_of(path))}
