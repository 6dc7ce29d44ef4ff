"""Making names durable: the half of durability that a file's own sync leaves out."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a power cut: files made, linked, renamed, removed.

    Raises:
        OSError: the folder cannot be opened or synced.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Make *content* what *path* holds, readable by its owner and nobody else, not even for a moment. Whatever
    crashes: it is the old content or the new one, and the new one when this returns.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    new = path.with_name(f".{path.name[:64]}.{secrets.token_hex(8)}")
    try:
        _write(new, content)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _write(path: Path, content: bytes) -> None:
    """A new file, synced.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 -- a descriptor, no path
        file.write(content)
        file.flush()
        os.fsync(descriptor)
