"""What lies beside mail in the folders of other programs, and is none: indexes, settings, lists of names.

What is not known to be that may be mail that is damaged, or of a form that cannot be read: somebody shall hear of it, before it
is removed with the program.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

_INDEX = ".msf"
"""Of an mbox of Thunderbird, behind its name."""
_SUFFIXES = (
    # Thunderbird, and the profile that its mail lies in
    *(_INDEX, ".dat", ".html", ".htm", ".json", ".jsonlz4", ".mozlz4", ".js", ".ini", ".bin"),
    *(".sqlite", ".sqlite-wal", ".sqlite-shm", ".db", ".mab", ".rdf", ".log", ".lock"),
    # Apple Mail
    *(".plist", ".skindex"),
    # Evolution, KMail
    *(".cmeta", ".ev-summary", ".ev-summary-meta", ".ibex.index", ".ibex.index.data", ".ids"),
)
_BEGINNINGS = (".", "dovecot", "courier", "maildir")
_NAMES = {"subscriptions", "table_of_contents", "content_index", "uidvalidity"}


def is_companion(name: str) -> bool:
    """Whether a file of this *name* is known to be no mail."""
    name = name.lower()
    return name in _NAMES or name.startswith(_BEGINNINGS) or name.endswith(_SUFFIXES)


def is_box(path: Path, beside: Collection[str]) -> bool:
    """Whether the file *path*, which has these names *beside* it, has been an mbox, whatever is in it now."""
    is_apples = path.name == "mbox" and path.parent.name.lower().endswith(".mbox")
    return is_apples or f"{path.name}{_INDEX}" in beside
