"""What was removed lately, so that it can be brought back. Ends with the program."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

MAX_REMOVED = 100
"""So many can be brought back: more than anybody remembers."""

T = TypeVar("T")


class Lately(Generic[T]):
    """Of each thing, by its id, what brings it back; the latest are forgotten last. Who changes it holds a lock; to look needs none."""

    def __init__(self) -> None:
        self._removed: OrderedDict[str, T] = OrderedDict()

    def keep(self, name: str, removed: T) -> None:
        self._removed[name] = removed
        self._removed.move_to_end(name)
        while len(self._removed) > MAX_REMOVED:
            self._removed.popitem(last=False)

    def get(self, name: str) -> T | None:
        return self._removed.get(name)

    def all(self) -> dict[str, T]:
        return dict(self._removed)

    def forget(self, name: str) -> None:
        self._removed.pop(name, None)

    def change(self, edit: Callable[[T], T]) -> None:
        """Let each of them be what *edit* makes of it."""
        for name, removed in self._removed.items():
            self._removed[name] = edit(removed)
