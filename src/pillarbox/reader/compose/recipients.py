"""What was typed into To, Cc and Bcc.

People paste lists from anywhere: separated by commas, semicolons, line ends, or by nothing but spaces; with names in
quotes or not, with angle brackets, comments, groups (RFC 5322, sections 3.4 and 4.4). What cannot be an address is said
by name, and nobody is left out in silence: no name has somebody else's address in it, if it is not in quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pillarbox.reader.compose.addresses import (
    MAX_RECIPIENTS,
    QUOTED,
    BadAddress,
    Recipient,
    checked,
    cited,
    each_address_once,
)
from pillarbox.reader.compose.fields import one_line

MAX_TYPED = 200_000
"""Characters of a field: 2,000 recipients with long names."""

_SEPARATORS = ",;\r\n\u060c\u061b\u3001\uff0c\uff1b"
"""Also as they are written in Arabic, Chinese and Japanese."""
_GROUP = re.compile(r"[^<>@:\"]*+:(?!//)")
"""In front of an address: "Friends:", "mailto:"."""
_BULLETS = "\u2022\u00b7\u2013\u2014"
_GLUED = "/|&+*-=~"
"""An address may begin with these; in a list they stand between two."""
_BETWEEN = re.compile(rf"(?:[\s,;/|&+*{_BULLETS}]|(?:-|and|und|et|y|e|en|og|och|i|oraz)(?=\s|$))*")
"""What people write between two, and is nobody's name."""
_TOKEN = re.compile(
    rf"""[/|&+*{_BULLETS}]+(?=["<(])
    |(?P<angle><(?:[^<>"]|"(?:[^"\\]|\\.)*")*>)
    |(?P<comment>\((?:[^()]|\([^()]*\))*\))
    |(?P<quoted>"(?:[^"\\]|\\.)*"(?!@))
    |(?P<word>"(?:[^"\\]|\\.)*"@[^\s<>()"]+|[^\s<>()]+)""",
    re.VERBOSE | re.DOTALL,
)
_AT = "[@\ufe6b\uff20]"
_TIGHT = re.compile(rf"[^\s@(]{_AT}[^\s@)]")
_SPACED = re.compile(
    rf"[^\s@(]\s*{_AT}\s+[^\s@]*\.[^\s@]|[^\s@(]\s+{_AT}[^\s@]*\.[^\s@]|[)\"]{_AT}[^\s@)]"
)
"""Addresses without and with spaces beside the @; "Ada @ Example" is none."""
_ENDS_OF_WORDS = re.compile(r"[\s<>(),;:\"]+")


def recipients_in(typed: str) -> list[Recipient]:
    """All that are in a field, each once.

    Raises:
        BadAddress: one of them is none, or it cannot be said who is meant, or there are too many.
    """
    if len(typed) > MAX_TYPED:
        raise BadAddress(f"This is too long: a field takes {MAX_RECIPIENTS:,} addresses.")
    found = [one for item in _items(typed) for one in _understood(item)]
    if len(found) > MAX_RECIPIENTS:
        raise BadAddress(f"These are {len(found):,} addresses; a message takes {MAX_RECIPIENTS:,}.")
    return each_address_once(found)


def _items(typed: str) -> Iterator[str]:
    """What stands between separators, those in quotes and comments left alone."""
    item, quoted, depth = "", False, 0
    comments = typed.count("(") == typed.count(")")
    characters = iter(typed)
    for character in characters:
        if quoted and character == "\\":
            item += character + next(characters, "")
            continue
        if character == '"':
            quoted = not quoted
        elif comments and not quoted and character in "()":
            depth = max(depth + (1 if character == "(" else -1), 0)
        if character in _SEPARATORS and not quoted and not depth:
            yield item.strip()
            item = ""
        else:
            item += character
    if quoted:
        raise BadAddress(f"A quotation mark is not closed: {cited(item)}")
    yield item.strip()


def _understood(item: str) -> list[Recipient]:
    """Whom *item* names: mostly one, but lists are pasted with spaces or a word between, too, and commas are forgotten.

    Where there are angle brackets, an address without them is in the way of telling who is meant, but behind the last.
    """
    people: list[Recipient] = []
    tokens = list(_TOKEN.finditer(item))
    bracketed = max((each.end() for each in tokens if _is_bracketed(each)), default=0)
    start = 0
    for token in tokens:
        before = item[start : token.start()]
        if _is_bracketed(token):
            people.append(_bracketed(before, token["angle"], first=not people))
        elif token.end() > bracketed and _TIGHT.search(token["word"] or ""):
            people.append(_bare(before, token["word"], first=not people))
        elif people and token["comment"] and not before.strip():
            people[-1] = _commented(people[-1], token["comment"])
        else:
            continue
        start = token.end()
    rest = _without_group(item[start:]).strip()
    if rest:
        raise _no_person(rest)
    return people


def _is_bracketed(token: re.Match[str]) -> bool:
    """An address in angle brackets; "<the elder>" is none."""
    return re.search(_AT, token["angle"] or "") is not None


def _bracketed(before: str, angle: str, *, first: bool) -> Recipient:
    """``Ada <ada@example.org>``; but for the *first*, "and" is not a part of the name."""
    name = _without_group(before if first else _without_between(before))
    address = checked(_without_group(angle[1:-1]).strip(), before + angle)
    _must_name_no_other(name, address, before + angle)
    return Recipient(_name(name), address)


def _bare(before: str, word: str, *, first: bool) -> Recipient:
    """``Ada ada@example.org``; but for the *first*, what looks like a separator is not taken for a part of the address."""
    name = _without_group(_without_between(before))
    if "<" in name or ">" in name:
        raise BadAddress(f"An angle bracket is missing: {cited(before + word)}")
    if not first and word[0] in _GLUED:
        raise _two_in(before + word)
    address = checked(_without_group(word.lstrip(_BULLETS)), before + word)
    _must_name_no_other(name, address, before + word)
    return Recipient(_name(name), address)


def _commented(one: Recipient, comment: str) -> Recipient:
    """With what stands in parentheses behind it, which is the name if there is no other."""
    _must_name_no_other(comment, one.address, f"{one} {comment}")
    return one if one.name else Recipient(one_line(comment[1:-1]), one.address)


def _without_group(text: str) -> str:
    group = _GROUP.match(text)
    return text[group.end() :] if group else text


def _without_between(text: str) -> str:
    between = _BETWEEN.match(text)
    return text[between.end() :] if between else text


def _must_name_no_other(name: str, address: str, whole: str) -> None:
    """Raises BadAddress: *name* has another address in it, whose owner would get nothing."""
    if QUOTED.fullmatch(one_line(name)):
        return
    words = (word.strip("[]") for word in _ENDS_OF_WORDS.split(name) if _TIGHT.search(word))
    if _SPACED.search(name) or any(not _is_spelling(word, address) for word in words):
        raise _two_in(whole)


def _two_in(whole: str) -> BadAddress:
    return BadAddress(
        f"There are two addresses in {cited(whole)}: put a comma between them. "
        "(A name with an @ goes in quotation marks.)"
    )


def _is_spelling(word: str, address: str) -> bool:
    """Whether *word* is *address*: "ada@example.org <ada@example.org>" is common, also 'in single quotes', and good."""
    for each in (word, word.removeprefix("'").removesuffix("'")):
        try:
            if checked(each).casefold() == address.casefold():
                return True
        except BadAddress:
            continue
    return False


def _no_person(rest: str) -> BadAddress:
    """What is wrong with words that belong to no address."""
    if "<" in rest or ">" in rest:
        return BadAddress(f"An angle bracket is missing: {cited(rest)}")
    try:
        checked(rest)
    except BadAddress as error:
        return error
    return BadAddress(f"{cited(rest)} is no address.")


def _name(typed: str) -> str:
    typed = one_line(typed)
    if QUOTED.fullmatch(typed):
        typed = re.sub(r"\\(.)", r"\1", typed[1:-1])
    return typed.strip()
