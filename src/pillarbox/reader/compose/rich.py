"""A message with a quote in HTML, as text and as HTML: both say the same."""

from __future__ import annotations

from pillarbox.reader.compose.markup import as_html
from pillarbox.reader.compose.plain import plain_of
from pillarbox.reader.compose.signatures import parted

_HEAD = '<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"></head>\n<body>\n'
_TAIL = "</body>\n</html>"


def alternatives(typed: str, quote: str, known: str = "") -> tuple[str, str]:
    """What was *typed* above *quote*. The signature goes below it: behind ``-- `` all is signature, and programs leave it
    out of answers. *known*: that of the identity; what was typed below it goes above *quote*, too.
    """
    words, signature = parted(typed, known)
    words = words.rstrip("\n")
    plain = f"{words}\n\n{plain_of(quote)}\n"
    html = f"{_HEAD}{as_html(words)}<div><br></div>\n{quote}\n"
    if signature:
        plain += f"\n{signature}"
        html += f"<div><br></div>\n{as_html(signature)}"
    return plain, html + _TAIL
