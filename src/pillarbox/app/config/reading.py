"""Values as somebody wrote them, turned into values of the right type, or into faults.

The Structs of :mod:`.settings` are the grammar. msgspec converts and checks one value at
a time, so that one wrong value does not hide the next.
"""

from __future__ import annotations

import tomllib
from functools import cache, partial
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from pillarbox.app.config import reader
from pillarbox.app.config.addresses import Address, home_expanded, parse_address
from pillarbox.app.config.faults import Fault
from pillarbox.app.config.key_place import KeyPlace, parse_key_place
from pillarbox.app.config.later import later_value
from pillarbox.app.config.sections import FETCH_SECTIONS, READER_SECTIONS
from pillarbox.app.config.settings import SECTIONS, TABLES
from pillarbox.app.config.sources import Given
from pillarbox.app.config.wording import nearest, show
from pillarbox.peers import Network

_SECRETS = {("store", "database"), ("store.s3", "access_key"), ("store.s3", "secret_key")}
"""What a sentence about them must not show."""


class NotText(ValueError):
    """A text from the command line or environment does not read as the type wanted."""


def read(given: Given) -> Any:
    """The checked value of *given*, or the :class:`Fault` in it."""
    name = ".".join(filter(None, (given.section, given.key)))
    if given.item is not None and not given.key:
        return None  # an empty table: what it lacks is somebody else's to say
    if trouble := _unknown(given):
        return Fault(given.place(), name, *trouble)
    wanted = field_types(given.section)[given.key]
    try:
        value = _from_text(given.value, wanted) if given.as_text else given.value
        if later := later_value(given.section, given.key, value):
            problem = f"{later[0]} is not available yet in this version: {later[1]}"
            return Fault(given.place(), name, problem, later[2])
        return msgspec.convert(value, wanted, dec_hook=partial(_decode, given.base))
    except (msgspec.ValidationError, NotText) as error:
        if (given.section, given.key) in _SECRETS:
            return Fault(given.place(), name, "will not do", _instead(wanted))
        return Fault(given.place(), name, *_explain(given.value, wanted, error))


def _unknown(given: Given) -> tuple[str, str] | None:
    """``(problem, hint)`` when the setting does not exist."""
    section, key = given.section, given.key
    if table := _table_of(section, key):
        return "is a list of tables", f"write [[{table}]] in the file, once for each"
    if section not in (*SECTIONS, *TABLES, *READER_SECTIONS):
        every = (
            [*SECTIONS, *(k for s in SECTIONS for k in field_types(s))] if not key else [*SECTIONS]
        )
        return "there is no such section", _nearest_section(section, key, every)
    if not key:
        return "is a section, not a value", f"write [{section}] on a line of its own"
    return None if key in field_types(section) else _unknown_key(section, key)


def _unknown_key(section: str, key: str) -> tuple[str, str]:
    if f"{section}.{key}" in SECTIONS:
        return "is a section, not a value", f"write [{section}.{key}] on a line of its own"
    return "there is no such setting", _nearest_key(section, key)


def _table_of(section: str, key: str) -> str | None:
    """The list of tables that somebody meant who wrote this as one setting."""
    if section in TABLES:
        return None
    name = f"{section}.{key}".replace("__", ".")
    return next((table for table in TABLES if f"{name}.".startswith(f"{table}.")), None)


def _nearest_section(section: str, key: str, candidates: list[str]) -> str:
    """A section that looks alike; or the section that has a key of this name."""
    if not key:
        for owner in SECTIONS:
            if section in field_types(owner):
                return f"did you mean {owner}.{section}?"
    others = (*FETCH_SECTIONS, *READER_SECTIONS)
    near = nearest(section, [*candidates, *others])
    if near in SECTIONS or near in others:
        return f"did you mean [{near}]?"
    return f"the sections are {', '.join(name for name in SECTIONS if '.' not in name)}"


def _nearest_key(section: str, key: str) -> str:
    """A key of the section that looks alike; or a key of this name in another section."""
    inner = [s.removeprefix(f"{section}.") for s in SECTIONS if s.startswith(f"{section}.")]
    if near := nearest(key, [*field_types(section), *inner]):
        name = f"{section}.{near}"
        return f"did you mean {f'[{name}]' if near in inner else name}?"
    for other in SECTIONS:
        if key in field_types(other):
            return f"did you mean {other}.{key}?"
    return f"[{section}] has {', '.join(field_types(section))}"


@cache
def field_types(section: str) -> dict[str, Any]:
    """The keys of *section* and their types, in order."""
    struct = (SECTIONS | TABLES | reader.SECTIONS)[section]
    hints = get_type_hints(struct, include_extras=True)
    return {name: hints[name] for name in struct.__struct_fields__}


def _decode(base: Path, wanted: type, value: Any) -> Any:
    """Types that msgspec does not know: addresses, networks and paths."""
    if not isinstance(value, str):
        raise ValueError("")  # noqa: TRY004 - msgspec reports a ValueError as the value's fault
    if wanted is Address:
        return parse_address(value, base=base)
    if wanted is Network:
        return Network.parse(value)
    if wanted is KeyPlace:
        return parse_key_place(value, base)
    if not value or "\0" in value:
        raise ValueError(f'"{value}" is not a path')
    return base / home_expanded(value)


def _from_text(text: str, wanted: Any) -> Any:
    """What TOML would have given, had *text* been written there; quotes may be left out."""
    kind = _kind(wanted)
    if isinstance(kind, inspect.VarTupleType):
        return _list_from_text(text)
    if isinstance(kind, inspect.BoolType | inspect.IntType | inspect.FloatType):
        try:
            return tomllib.loads(f"v = {text}")["v"]
        except (tomllib.TOMLDecodeError, RecursionError):
            raise NotText from None
    return _text_from_text(text)


def _list_from_text(text: str) -> Any:
    """``["a", "b"]`` as in TOML, or ``a,b``; an IPv6 address may look like the former."""
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        value = None
    if isinstance(value, list):
        return value
    return [_text_from_text(item.strip()) for item in text.split(",") if item.strip()]


def _text_from_text(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _kind(wanted: Any) -> inspect.Type:
    """The library's description of the type, without an outer "or none"."""
    kind = inspect.type_info(wanted)
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        kind = next(t for t in kind.types if not isinstance(t, inspect.NoneType))
    return kind


def _explain(value: Any, wanted: Any, error: Exception) -> tuple[str, str]:
    """``(what is wrong, what to write)`` of a value that does not convert."""
    if isinstance(error.__cause__, ValueError) and str(error.__cause__):
        problem, _, hint = str(error.__cause__).partition("; ")
        return problem, hint
    hint = _instead(wanted)
    choices = _choices(wanted)
    for item in value if isinstance(value, list) else [value]:
        near = nearest(str(item), [c.lower() for c in choices], cutoff=0.7)
        if near and item not in choices:
            meant = next(c for c in choices if c.lower() == near)
            return f"{show(item)} is not known here", f'did you mean "{meant}"?'
    return f"{show(value)} will not do", hint


def _instead(wanted: Any) -> str:
    return f"write {_describe(_kind(wanted))}"


def _choices(wanted: Any) -> list[str]:
    kind = _kind(wanted)
    if isinstance(kind, inspect.VarTupleType):
        kind = kind.item_type
    return [str(v) for v in kind.values] if isinstance(kind, inspect.LiteralType) else []


def _describe(kind: inspect.Type) -> str:
    """What a value of this type looks like, in words for who writes the file."""
    words = "a text in quotes"
    match kind:
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType():
            words = f"a whole number{_range(kind.ge, kind.le)}"
        case inspect.FloatType():
            words = f"a number of seconds{_range(kind.ge, kind.le)}"
        case inspect.LiteralType():
            words = " or ".join(f'"{value}"' for value in kind.values)
        case inspect.VarTupleType():
            words = f"a list, each {_describe(kind.item_type)}"
        case inspect.CustomType() if kind.cls is Address:
            words = '"HOST:PORT", "[::1]:PORT" or "unix:/PATH"'
        case inspect.CustomType() if kind.cls is Network:
            words = '"10.0.0.0/8", "2001:db8::/32", one address, or "unix"'
        case inspect.CustomType() if kind.cls is KeyPlace:
            words = "a path or a URL in quotes"
        case inspect.CustomType():
            words = "a path in quotes"
    return words


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {int(high)}"
    return "" if low is None else f" from {low:g} up"
