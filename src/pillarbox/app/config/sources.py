"""Where settings come from: the file, the environment, ``--set``.

For those of the server, of ``fetch`` and of ``read`` alike, so all sections are in it; who asks picks
out its own.

A source turns into a list of :class:`Given`: one value, the setting it is for, and the
place to name when something is wrong with it. Nothing is judged here except what keeps a
source from being read at all.

The file: ``--config FILE``, else ``PILLARBOX_CONFIG``, else the first that exists of
``./pillarbox.toml``, the user's configuration folder and ``/etc/pillarbox``. A file that
was asked for must exist; one that exists must be readable. What root asks of one that it
only came upon is told in :mod:`.strangers`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.app.config.faults import Fault
from pillarbox.app.config.positions import Positions
from pillarbox.app.config.sections import (
    ACCOUNTS,
    FETCH_SECTIONS,
    READER_SECTIONS,
    SERVER_SECTIONS,
    SUBSECTIONS,
    TABLES,
    within,
)
from pillarbox.app.config.strangers import distrust

FILE_NAME = "pillarbox.toml"
FILE_VARIABLE = "PILLARBOX_CONFIG"
PREFIX = "PILLARBOX_"
# A configuration is a page or two; this keeps a wrong --config from filling the memory.
MAX_FILE_BYTES = 1 << 20

_SECTIONS = (*SERVER_SECTIONS, *FETCH_SECTIONS, *READER_SECTIONS)


class Given(NamedTuple):
    """One value that somebody gave for one setting."""

    section: str
    """With a dot when it lies in another one: ``auth.oauth``."""
    key: str
    value: Any
    """As TOML has it; a plain text when ``as_text``."""
    place: Callable[[], str]
    """Names the place; called only when there is a fault."""
    base: Path
    """What relative paths start from."""
    as_text: bool = False
    """From the environment or the command line, where everything is a text."""
    account: str = ""
    """Whose setting it is, in the section ``accounts``."""
    item: int | None = None
    """Which table of a list of tables it stands in, from 0; the key is empty for one that has none."""


class File(NamedTuple):
    """The configuration file to read."""

    path: Path
    """Absolute."""
    unasked: bool
    """It lay in the current folder; nobody named it."""


def find_file(asked: Path | None, environ: Mapping[str, str]) -> File | None:
    """The configuration file to read; None: there is none."""
    named = asked or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    if named is not None:
        path = Path(os.path.expanduser(named)).absolute()  # noqa: PTH111 - never raises: ~nobody is a file that is not there
        return File(path, unasked=False)
    found = next((path for path in usual_places() if path.exists()), None)
    return File(found.absolute(), unasked=not found.is_absolute()) if found else None


def usual_places() -> tuple[Path, ...]:
    """Where a file is looked for when none is named, in this order.

    Only the first, in the current folder, is relative.
    """
    import platformdirs  # noqa: PLC0415 -- who names a file has no use for it

    return (
        Path(FILE_NAME),
        platformdirs.user_config_path("pillarbox") / FILE_NAME,
        Path("/etc/pillarbox") / FILE_NAME,
    )


def from_file(found: File, environ: Mapping[str, str], faults: list[Fault]) -> list[Given]:
    """Every value in the TOML file *found*."""
    file = found.path
    text = _read(found, environ, faults)
    if text is None:
        return []
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(_syntax_fault(file, text, error))
        return []
    positions = Positions(str(file), text)
    given: list[Given] = []
    for section, table in document.items():
        if section == ACCOUNTS and isinstance(table, dict):
            given += _of_accounts(table, positions, file.parent)
        elif section in _SECTIONS and isinstance(table, dict):
            given += _of_section(section, table, positions, file.parent)
        else:
            given.append(Given(section, "", table, positions.naming(section), file.parent))
    return given


def _of_section(
    section: str, table: Mapping[str, Any], positions: Positions, base: Path
) -> Iterator[Given]:
    """The settings of a section, and of those that lie in it."""
    for key, value in table.items():
        if f"{section}.{key}" in SUBSECTIONS and isinstance(value, dict):
            for inner, setting in value.items():
                place = positions.naming(section, key, inner)
                yield Given(f"{section}.{key}", inner, setting, place, base)
        elif f"{section}.{key}" in TABLES and _is_list_of_tables(value):
            yield from _of_tables((section, key), value, positions, base)
        else:
            yield Given(section, key, value, positions.naming(section, key), base)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _of_tables(
    path: tuple[str, str], tables: Sequence[Mapping[str, Any]], positions: Positions, base: Path
) -> Iterator[Given]:
    """The settings of each table of a list, ``[[SECTION.KEY]]``."""
    name = ".".join(path)
    for item, table in enumerate(tables):
        for key, value in (table or {"": None}).items():
            place = positions.naming(*path, str(item), *filter(None, (key,)))
            yield Given(name, key, value, place, base, item=item)


def _of_accounts(accounts: Mapping[str, Any], positions: Positions, base: Path) -> Iterator[Given]:
    """``[accounts.NAME]``, each; an account that is no table, or an empty one, has no key."""
    for name, table in accounts.items():
        keys = table if isinstance(table, dict) and table else {"": table}
        for key, value in keys.items():
            path = (ACCOUNTS, name, key) if key else (ACCOUNTS, name)
            yield Given(ACCOUNTS, key, value, positions.naming(*path), base, account=name)


def _read(found: File, environ: Mapping[str, str], faults: list[Fault]) -> str | None:
    file = found.path
    try:
        with open(file, "rb", opener=_without_waiting if found.unasked else None) as stream:
            doubt = distrust(file, os.fstat(stream.fileno()), environ) if found.unasked else None
            if doubt:
                faults.append(doubt)
                return None
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        hint = "name another with --config" if isinstance(error, FileNotFoundError) else ""
        faults.append(Fault(str(file), "", f"cannot be read: {error.strerror}", hint))
        return None
    if len(data) > MAX_FILE_BYTES:
        faults.append(Fault(str(file), "", "is larger than a configuration can be (1 MiB)"))
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.append(Fault(f"{file}:{line}", "", "is not UTF-8 text", "save the file as UTF-8"))
        return None


def _without_waiting(path: str, flags: int) -> int:
    """For what a stranger may have laid there: a pipe must not hold root up."""
    return os.open(path, flags | os.O_NONBLOCK)


def _syntax_fault(file: Path, text: str, error: tomllib.TOMLDecodeError) -> Fault:
    """The parser says where only in words: ``Invalid value (at line 3, column 5)``."""
    said, _, where = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", where)
    line = int(found[1]) if found else text.rstrip().count("\n") + 1
    hint = 'texts stand in quotes: key = "value"' if said == "Invalid value" else ""
    return Fault(f"{file}:{line}", "", f"is not TOML: {said[:1].lower()}{said[1:]}", hint)


def from_environment(
    environ: Mapping[str, str], known: Mapping[str, Iterable[str]], faults: list[Fault]
) -> list[Given]:
    """Every ``PILLARBOX_SECTION__KEY``; *known* are keys by section, to see slips."""
    single = {
        f"{PREFIX}{s.replace('.', '_')}_{k}".upper(): (s, k)
        for s, keys in known.items()
        for k in keys
    }
    given: list[Given] = []
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        section, two, key = name.removeprefix(PREFIX).lower().partition("__")
        if two:
            account, key = _whose(section, key, "__")
            section, key = within(section, key, "__")
            given.append(
                Given(section, key, value, _named(name), Path.cwd(), as_text=True, account=account)
            )
        elif name in single:
            section, key = single[name]
            meant = f"{PREFIX}{section.replace('.', '__')}__{key}".upper()
            faults.append(Fault(name, f"{section}.{key}", "has one underscore", f"write {meant}"))
    return given


def from_overrides(overrides: Sequence[str], faults: list[Fault]) -> list[Given]:
    """Every ``section.key=value`` of ``--set``; the last one of a setting counts."""
    given: dict[str, Given] = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot and section and key):
            fault = Fault("--set", "", f'"{text}" sets nothing', "write --set section.key=value")
            faults.append(fault)
            continue
        account, key = _whose(section, key, ".")
        section, key = within(section, key, ".")
        given[name.strip()] = Given(
            section, key, value.strip(), _named("--set"), Path.cwd(), as_text=True, account=account
        )
    return list(given.values())


def _whose(section: str, key: str, mark: str) -> tuple[str, str]:
    """``(account, key)`` of what stands behind the section."""
    if section != ACCOUNTS:
        return "", key
    account, _, key = key.rpartition(mark)
    return account, key


def _named(place: str) -> Callable[[], str]:
    return lambda: place
