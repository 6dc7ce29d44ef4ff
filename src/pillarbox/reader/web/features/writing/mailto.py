"""Links that begin a message: ``mailto:ada@example.org?subject=Tea`` (RFC 6068)."""

from __future__ import annotations

from urllib.parse import unquote

from pillarbox.reader.model import Draft

_LONGEST = 100_000
"""Characters of a link. Programs pass on some thousand."""
_FIELDS = ("to", "cc", "bcc", "subject", "body")


def draft_of(link: str) -> Draft:
    """What a message begins with. Other fields than these are left out: a link must not attach files or forge a
    header (section 7). Never fails.
    """
    link = link[:_LONGEST]
    scheme, colon, rest = link.partition(":")
    if colon and scheme.strip().lower() == "mailto":
        link = rest
    to, _, query = link.partition("?")
    found: dict[str, list[str]] = {name: [] for name in _FIELDS}
    found["to"].append(_plain(to))
    for field in query.split("&"):
        name, _, value = field.partition("=")
        if name.lower() in found:
            found[name.lower()].append(_plain(value))
    joined = {name: ", ".join(filter(None, values)) for name, values in found.items()}
    text = "\n".join(found["body"]).replace("\r\n", "\n")
    return Draft(
        "",
        to=joined["to"],
        cc=joined["cc"],
        bcc=joined["bcc"],
        subject=" ".join(joined["subject"].split()),
        text=text,
    )


def _plain(value: str) -> str:
    """Percent-decoded; a plus stays one (section 5)."""
    return unquote(value, errors="replace").replace("\0", "")
