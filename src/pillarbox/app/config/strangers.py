"""Whose file is that? Asked by root of a ``pillarbox.toml`` that lies in the current folder.

Nobody named it. In a folder that others may write, such as ``/tmp``, it may have been laid
there for root to come by, and root would do what it says: make folders, read keys, serve. So
root obeys only its own files and those of the person who called ``sudo``, as git does. A file
that is named with ``--config`` or ``PILLARBOX_CONFIG`` is obeyed, whosever it is.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

from pillarbox.app.config.faults import Fault


def distrust(file: Path, found: os.stat_result, environ: Mapping[str, str]) -> Fault | None:
    """Why root should not obey *file*, of which *found* is the ``fstat``; None: nothing speaks
    against it, or this is not root.
    """
    if os.geteuid() != 0:
        return None
    if found.st_uid not in {0, _number(environ, "SUDO_UID")}:
        problem = f"lies in the current folder and belongs to {_owner(found.st_uid)}"
    elif found.st_mode & stat.S_IWOTH:
        problem = "lies in the current folder, and everybody may write it"
    elif found.st_mode & stat.S_IWGRP and found.st_gid not in {0, _number(environ, "SUDO_GID")}:
        problem = "lies in the current folder, and a group of others may write it"
    else:
        return None
    return Fault(
        str(file),
        "",
        f"{problem}: root does not obey it unasked",
        f"name it with --config {file} if it is the right one, or go to another folder",
    )


def _number(environ: Mapping[str, str], name: str) -> int:
    """The user or group that called sudo; 0 when nobody did."""
    text = environ.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
