"""Who said what about an account: the command line, its own table, ``[defaults]``.

A *layer* is what one of them says. The strongest that says anything about a matter decides
it; so ``keep_days`` of an account stands against ``keep`` in the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.app.collecting.keys import ONE_OF, Wrong, read_value
from pillarbox.app.config.faults import Fault


class Said(NamedTuple):
    """One value that somebody gave."""

    value: Any
    place: Callable[[], str]
    """Names the place, when there is a fault."""
    setting: str
    """By which name the user knows it there."""

    def fault(self, problem: str, hint: str = "") -> Fault:
        """Something is wrong with it."""
        return Fault(self.place(), self.setting, problem, hint)


Layer = dict[str, Said]
"""By key (:data:`pillarbox.app.collecting.keys.KEYS`)."""


def put(
    layer: Layer, key: str, said: Said, base: Path, faults: list[Fault], *, as_text: bool = False
) -> None:
    """Read a value into *layer*, over a weaker one; what is wrong with it is one of *faults*."""
    try:
        value = read_value(key, said.value, base, as_text=as_text)
    except Wrong as wrong:
        faults.append(said.fault(wrong.problem, wrong.hint))
    else:
        layer[key] = said._replace(value=value)


def contradictions(layer: Layer) -> list[Fault]:
    """Pairs in one layer of which only one can be meant."""
    return [
        layer[second].fault(
            f"stands beside {layer[first].setting}, which says something else", "leave one out"
        )
        for first, second in ONE_OF
        if first in layer and second in layer
    ]


def merged(layers: Sequence[Layer]) -> Layer:
    """What counts, of *layers*, the strongest first."""
    result: Layer = {}
    for layer in layers:
        decided = {key for pair in ONE_OF if not result.keys().isdisjoint(pair) for key in pair}
        for key, said in layer.items():
            if key not in decided:
                result.setdefault(key, said)
    return result
