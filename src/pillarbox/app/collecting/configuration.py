"""The accounts to collect, as the configuration has them::

    [defaults]
    to = "maildir:~/Mail"

    [accounts.work]
    url = "pop3s://alice@mail.example.org"
    keep_days = 14

They stand in the same file as the server's sections, or in one of their own, and come from
the same sources, the strongest first: ``--set accounts.work.keep=true``,
``PILLARBOX_ACCOUNTS__WORK__KEEP``, the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pillarbox.app.collecting.keys import KEYS
from pillarbox.app.collecting.layers import Layer, Said, contradictions, put
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.sections import (
    ACCOUNTS,
    DEFAULTS,
    FETCH_SECTIONS,
    READER_SECTIONS,
    SERVER_SECTIONS,
    is_server,
)
from pillarbox.app.config.sources import (
    Given,
    find_file,
    from_environment,
    from_file,
    from_overrides,
    usual_places,
)
from pillarbox.app.config.wording import nearest

LOGIN = "login"
"""Not the name of an account: ``pillarbox fetch login`` means something else."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}")
_ONLY_OF_ACCOUNTS = ("url",)


class Accounts:
    """What the configuration says of all accounts."""

    def __init__(
        self, defaults: Layer, accounts: dict[str, Layer], file: Path | None, faults: list[Fault]
    ) -> None:
        self.defaults = defaults
        self.by_name = accounts
        """In the order of the file."""
        self.file = file
        """Absolute; None: there is none."""
        self.faults = faults
        """What is wrong with single values; more may come to light when accounts are made."""

    def chosen(self, names: Sequence[str]) -> dict[str, Layer]:
        """The accounts of these *names*, each once; all, if no name is given.

        Raises:
            ConfigError: there is none of a name, or none at all.
        """
        place = str(self.file or "")
        if not self.by_name:
            raise ConfigError([self._empty()])
        unknown = [name for name in names if name not in self.by_name]
        if unknown:
            raise ConfigError([Fault(place, *self._unknown(name)) for name in unknown])
        return {name: self.by_name[name] for name in (names or self.by_name)}

    def _empty(self) -> Fault:
        if self.file is None:
            places = ", ".join(map(str, usual_places()))
            return Fault(
                "pillarbox",
                "",
                f"there is no configuration file (looked for {places})",
                "name one with --config, or give a URL: "
                "pillarbox fetch pop3s://alice@mail.example.org --to maildir:~/Mail",
            )
        return Fault(str(self.file), "", "has no account to fetch", "add one: [accounts.NAME]")

    def _unknown(self, name: str) -> tuple[str, str, str]:
        near = nearest(name, self.by_name)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(self.by_name)}"
        return f"{ACCOUNTS}.{name}", "there is no such account", hint


def read_accounts(
    path: Path | None, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Accounts:
    """All accounts, from all sources; *path* and *overrides* as ``--config`` and ``--set``.

    Raises:
        ConfigError: the file cannot be read at all. Lesser faults are in the result.
    """
    environ = os.environ if environ is None else environ
    file = find_file(path, environ)
    faults: list[Fault] = []
    given = from_file(file, environ, faults) if file else []
    if faults:
        raise ConfigError(faults)
    keys = [key for key in KEYS if key not in _ONLY_OF_ACCOUNTS]
    given += from_environment(environ, {DEFAULTS: keys}, faults)
    given += from_overrides(overrides, faults)
    defaults: Layer = {}
    accounts: dict[str, Layer] = {}
    for one in given:
        if is_server(one.section) or one.section in READER_SECTIONS:
            continue
        if trouble := _unknown(one):
            faults.append(Fault(one.place(), _setting(one), *trouble))
            continue
        layer = accounts.setdefault(one.account, {}) if one.account else defaults
        said = Said(one.value, one.place, _setting(one))
        put(layer, one.key, said, one.base, faults, as_text=one.as_text)
    for layer in (defaults, *accounts.values()):
        faults += contradictions(layer)
    return Accounts(defaults, accounts, file.path if file else None, faults)


def _setting(given: Given) -> str:
    return ".".join(filter(None, (given.section, given.account, given.key)))


def _unknown(given: Given) -> tuple[str, str] | None:
    """``(problem, hint)`` when there is no such setting."""
    section, key = given.section, given.key
    if section not in FETCH_SECTIONS:
        return "there is no such section", _nearest_section(section)
    if section == ACCOUNTS and (trouble := _no_account(given)):
        return trouble
    if not key:
        return "is a section, not a value", f"write [{section}] on a line of its own"
    if section == DEFAULTS and key in _ONLY_OF_ACCOUNTS:
        return "is no default: each account has its own", f"put it under [{ACCOUNTS}.NAME]"
    return None if key in KEYS else ("there is no such setting", _nearest_key(_setting(given), key))


def _no_account(given: Given) -> tuple[str, str] | None:
    """``(problem, hint)`` when it is no account that this is about."""
    name = given.account
    if not name:
        return "names no account", f"write [{ACCOUNTS}.NAME]"
    if not _NAME.fullmatch(name):
        hint = "use letters, digits and @._+- in it, and begin with a letter or digit"
        return f'"{name}" is no name for an account', hint
    if name == LOGIN:
        return f'no account can have the name "{LOGIN}"', "`pillarbox fetch login` is a command"
    if given.key:
        return None
    if isinstance(given.value, dict):
        return "says nothing", "give it at least a url"
    return "is an account, not a value", f"write [{ACCOUNTS}.{name}] on a line of its own"


def _nearest_section(section: str) -> str:
    near = nearest(section, (*FETCH_SECTIONS, *READER_SECTIONS, *SERVER_SECTIONS))
    known = (f"{ACCOUNTS}.NAME", DEFAULTS, *READER_SECTIONS, *SERVER_SECTIONS)
    return f"did you mean [{near}]?" if near else f"the sections are {', '.join(known)}"


def _nearest_key(setting: str, key: str) -> str:
    table = setting.removesuffix(f".{key}")
    near = nearest(key, KEYS)
    return f"did you mean {table}.{near}?" if near else f"there are {', '.join(KEYS)}"
