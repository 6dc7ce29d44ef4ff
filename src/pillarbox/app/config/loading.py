"""The server's half, from all sources to one checked :class:`Config`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pillarbox.app.config.checks import check
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.mechanisms import usual
from pillarbox.app.config.reading import read
from pillarbox.app.config.sections import FETCH_SECTIONS, READER_SECTIONS
from pillarbox.app.config.settings import SECTIONS, Config
from pillarbox.app.config.sources import (
    File,
    Given,
    find_file,
    from_environment,
    from_file,
    from_overrides,
)
from pillarbox.app.config.tables import Tables


def load(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    *,
    serving: bool = False,
) -> Config:
    """The configuration from all sources.

    Args:
        path: the file to read; None: look where ``PILLARBOX_CONFIG`` says, and then in
            the usual places.
        overrides: ``section.key=value`` texts, stronger than all else.
        environ: the environment; None: this process's own.
        serving: also ask for what only a server needs, such as a certificate.

    Raises:
        ConfigError: with every fault found.
    """
    environ = os.environ if environ is None else environ
    return _load(find_file(path, environ), overrides, environ, serving=serving)


def _load(
    file: File | None, overrides: Sequence[str], environ: Mapping[str, str], *, serving: bool
) -> Config:
    faults: list[Fault] = []
    given = from_file(file, environ, faults) if file else []
    if faults:  # nothing of the file is known, so rules between settings would mislead
        raise ConfigError(faults)
    keys = {name: struct.__struct_fields__ for name, struct in SECTIONS.items()}
    given += from_environment(environ, keys, faults)
    given += from_overrides(overrides, faults)
    ours = [one for one in given if one.section not in (*FETCH_SECTIONS, *READER_SECTIONS)]
    config, spoken = _merge(ours, faults)
    config = msgspec.structs.replace(config, overrides=tuple(overrides))
    if file:
        config = msgspec.structs.replace(config, file=file.path, file_unasked=file.unasked)

    def place(section: str, key: str) -> str:
        giver = spoken.get((section, key))
        return giver.place() if giver else ""

    checked = check(config, place, serving=serving)
    # A setting with a fault of its own stands at its default now: rules would mislead.
    broken = {fault.setting for fault in faults}
    faults += [fault for fault in checked.faults if fault.setting not in broken]
    if faults:
        raise ConfigError(faults)
    return msgspec.structs.replace(config, warnings=tuple(checked.warnings))


def reload(
    config: Config, environ: Mapping[str, str] | None = None, *, serving: bool = True
) -> Config:
    """The same sources read again, as on SIGHUP.

    Raises:
        ConfigError: there are faults now; keep using *config*.
    """
    environ = os.environ if environ is None else environ
    same = File(config.file, config.file_unasked) if config.file else None
    return _load(same or find_file(None, environ), config.overrides, environ, serving=serving)


def _merge(
    given: Sequence[Given], faults: list[Fault]
) -> tuple[Config, dict[tuple[str, str], Given]]:
    """Read every value (a weaker one, too: its fault would show up some day)."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    spoken: dict[tuple[str, str], Given] = {}
    tables = Tables()
    for one in given:
        value = read(one)
        if isinstance(value, Fault):
            faults.append(value)
        if one.item is not None:
            tables.put(one, value)
        elif not isinstance(value, Fault):
            sections[one.section][one.key] = value
            spoken[one.section, one.key] = one
    for (section, key), items in tables.made(faults).items():
        sections[section][key] = items
        if giver := tables.giver(f"{section}.{key}"):
            spoken[section, key] = giver
    structs: dict[str, Any] = {
        name.replace(".", "_"): SECTIONS[name](**values) for name, values in sections.items()
    }
    config = Config(**structs)
    domains = tuple(domain.lower() for domain in config.delivery.domains)
    delivery = msgspec.structs.replace(
        config.delivery, domains=domains or (config.server.hostname.lower(),)
    )
    config = msgspec.structs.replace(config, delivery=delivery)
    if ("auth", "mechanisms") not in spoken:
        auth = msgspec.structs.replace(config.auth, mechanisms=usual(config))
        config = msgspec.structs.replace(config, auth=auth)
    return config, spoken
