"""The reader's section, from all sources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pillarbox.app.config.addresses import TcpAddress
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.reader import SECTIONS, Reader
from pillarbox.app.config.reading import read
from pillarbox.app.config.sections import READER
from pillarbox.app.config.sources import (
    Given,
    find_file,
    from_environment,
    from_file,
    from_overrides,
)


def load_reader(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Reader:
    """What it says.

    Args:
        path: as ``--config``.
        overrides: as ``--set``.
        options: of the command itself, by the keys they stand for; stronger than all else.
        environ: the environment; None: this process's own.

    Raises:
        ConfigError: with every fault found. Other sections are others' business.
    """
    environ = os.environ if environ is None else environ
    file = find_file(path, environ)
    faults: list[Fault] = []
    given = from_file(file, environ, faults) if file else []
    if faults:
        raise ConfigError(faults)
    keys = {name: struct.__struct_fields__ for name, struct in SECTIONS.items()}
    given += from_environment(environ, keys, faults)
    given += from_overrides(overrides, faults)
    given += [_option(key, value) for key, value in (options or {}).items()]
    values = {}
    for one in given:
        if one.section != READER:
            continue
        value = read(one)
        if isinstance(value, Fault):
            faults.append(value)
        elif one.key == "listen" and not isinstance(value, TcpAddress):
            problem = "is a socket file, which no browser can open"
            faults.append(Fault(one.place(), "reader.listen", problem, 'write "HOST:PORT"'))
        else:
            values[one.key] = value
    if faults:
        raise ConfigError(faults)
    return Reader(**values)


def _option(key: str, value: str) -> Given:
    spelling = f"--{key.replace('_', '-')}"
    return Given(READER, key, value, lambda: spelling, Path.cwd(), as_text=True)
