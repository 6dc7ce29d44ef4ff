"""Lists of tables, ``[[tls.sni]]``, put together from the values read one by one.

They can be written in the file only: one table after the other is what ``--set`` and the
environment have no words for.
"""

from __future__ import annotations

from typing import Any

from msgspec import NODEFAULT
from msgspec.structs import fields

from pillarbox.app.config.faults import Fault
from pillarbox.app.config.settings import TABLES
from pillarbox.app.config.sources import Given


class Tables:
    """The items of all lists, in the order of the file."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, int], dict[str, Any]] = {}
        self._places: dict[tuple[str, int], Given] = {}

    def put(self, given: Given, value: Any) -> None:
        """Keep *value* of one table's setting; a :class:`Fault` shows that it was given, at least."""
        item = given.section, given.item or 0
        self._places.setdefault(item, given)
        values = self._items.setdefault(item, {})
        if given.key:
            values[given.key] = value

    def made(self, faults: list[Fault]) -> dict[tuple[str, str], tuple[Any, ...]]:
        """``{(section, key): items}``, of whole items only; what is missing becomes a fault."""
        made: dict[tuple[str, str], tuple[Any, ...]] = {}
        for (name, number), values in self._items.items():
            struct = TABLES[name]
            missing = [
                field.name
                for field in fields(struct)
                if field.default is NODEFAULT and field.name not in values
            ]
            for key in missing:
                place = self._places[name, number].place()
                faults.append(Fault(place, f"{name}.{key}", "is missing", "each table needs it"))
            if missing or any(isinstance(value, Fault) for value in values.values()):
                continue
            section, _, key = name.rpartition(".")
            made[section, key] = (*made.get((section, key), ()), struct(**values))
        return made

    def giver(self, name: str) -> Given | None:
        """Who gave the first table of the list *name*."""
        return self._places.get((name, 0))
