"""The operator's query, and the one place in it for the user's name.

The name is written ``:user`` or ``%(user)s`` and never becomes part of the text: it goes to the
database's library as a parameter (CVE-2017-2669, CVE-2026-24031 are what happens otherwise).
The text is not understood, but for what has to be told apart from a parameter: strings, quoted
names, comments, and PostgreSQL's casts (``::text``).
"""

from __future__ import annotations

import re

USER = "user"
"""The parameter's name."""

MAX_QUERY_CHARACTERS = 16_384
"""A page or two. Keeps a file given by mistake from being asked of a database."""

_PIECES = re.compile(
    r"""(?P<quoted>'(?:[^']|'')*' | "[^"]*" | `[^`]*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
        | --[^\n]* | /\*.*?\*/)
      | (?P<cast>::)
      | (?P<parameter>%\((?P<percent>\w*)\)s | :(?P<colon>[A-Za-z_]\w*))
      | (?P<semicolon>;\s*\Z)
      | (?P<question>%s|\?)""",
    re.VERBOSE | re.DOTALL,
)


class FaultyQuery(ValueError):
    """The query cannot be used; the text says why and what to write."""


def prepared(text: str) -> str:
    """*text* as the libraries want it: the name's places as ``%(user)s``, other ``%`` doubled.

    Raises:
        FaultyQuery.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise FaultyQuery(f"a query has at most {MAX_QUERY_CHARACTERS} characters")
    parts: list[str] = []
    at = places = 0
    for piece in _PIECES.finditer(text):
        parts.append(_doubled(text[at : piece.start()]))
        at = piece.end()
        if piece["parameter"]:
            _refuse_others(piece["percent"] or piece["colon"] or "")
            places += 1
            parts.append(f"%({USER})s")
        elif piece["question"]:
            raise FaultyQuery(f"{piece['question']} has no name; write :user")
        elif not piece["semicolon"]:
            _refuse_in_quotes(piece["quoted"] or "")
            parts.append(_doubled(piece[0]))
    parts.append(_doubled(text[at:]))
    if not places:
        raise FaultyQuery("does not ask for the user; write WHERE … = :user")
    return "".join(parts)


def _doubled(text: str) -> str:
    return text.replace("%", "%%")


def _refuse_others(name: str) -> None:
    if name != USER:
        raise FaultyQuery(f"there is no parameter {name!a}; the user's name is :user")


def _refuse_in_quotes(quoted: str) -> None:
    if quoted[1:-1] in {f":{USER}", f"%({USER})s"} or quoted == "'%u'":
        raise FaultyQuery("the parameter stands in quotes; write :user without them")
