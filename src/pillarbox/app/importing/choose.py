"""Which kind of source a path (or a URL) is."""

from __future__ import annotations

import re
from pathlib import Path

from pillarbox.client.url import shown
from pillarbox.sources.found import Source, SourceUnusable
from pillarbox.sources.maildir import Maildir
from pillarbox.sources.mbox import Mbox

_POP_URL = re.compile(r"pop3?s?:", re.IGNORECASE)


def open_source(text: str) -> Source:
    """The source that *text* names.

    Raises:
        SourceUnusable: it is none, or it cannot be read; the message says why.
    """
    if _POP_URL.match(text):
        raise SourceUnusable(
            f"{shown(text)}: mail of another POP3 server is collected, not imported: "
            "pillarbox fetch URL --to lmtp:HOST:PORT (or lmtp:unix:PATH) --recipient ADDRESS, with "
            "the address of this server's lmtp door"
        )
    path = Path(text).expanduser()
    try:
        if (path / "cur").is_dir() and (path / "new").is_dir():
            return Maildir(path)
        if path.is_dir():
            raise SourceUnusable(
                f"{path}: is not a Maildir: it has no folders cur and new{_maybe_below(path)}"
            )
        if not path.exists():
            raise SourceUnusable(f"{path}: there is no such Maildir or mbox")
        if not path.is_file():
            raise SourceUnusable(f"{path}: is neither a folder nor a regular file")
    except OSError as error:
        raise SourceUnusable(f"{path}: cannot be read: {error.strerror}") from error
    return Mbox(path)


def _maybe_below(path: Path) -> str:
    below = path / "Maildir"
    return f"; did you mean {below}?" if (below / "cur").is_dir() else ""
