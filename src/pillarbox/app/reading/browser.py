"""The browser of who has started the reader."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping

from pillarbox.fetch.oauth.browser import open_without_waiting


def has_screen(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a browser would have a screen to appear on. One in the terminal would fight for it with the log."""
    environ = os.environ if environ is None else environ
    if sys.platform in {"darwin", "win32"} or environ.get("BROWSER"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def open_page(url: str) -> None:
    """Open *url*, without waiting for it; whoever has no screen has the URL on the terminal."""
    if has_screen():
        open_without_waiting(webbrowser.open, url)
