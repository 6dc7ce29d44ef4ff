"""What was done a moment ago, for pages without scripts: they are sent elsewhere, and say it there."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

_REMEMBERED = 100
"""Sentences; those of a busy hour. The page asks for the last one at once."""


class Done(NamedTuple):
    """A sentence, and the change that can be undone."""

    say: str
    change: str = ""
    """Empty: it cannot be."""


class Told:
    """Sentences by a number, which is what a URL holds: a page says nothing only because a link wants it.

    On the event loop.
    """

    def __init__(self) -> None:
        self._sentences: OrderedDict[str, Done] = OrderedDict()
        self._last = 0

    def note(self, done: Done) -> str:
        """Remember *done*; its number."""
        self._last += 1
        self._sentences[str(self._last)] = done
        while len(self._sentences) > _REMEMBERED:
            self._sentences.popitem(last=False)
        return str(self._last)

    def recall(self, number: str) -> Done | None:
        """What *number* stands for."""
        return self._sentences.get(number)


def with_done(url: str, number: str) -> str:
    """*url*, whose page then says what *number* stands for."""
    parts = urlsplit(url)
    asked = [(name, value) for name, value in parse_qsl(parts.query) if name != "done"]
    return parts._replace(query=urlencode([*asked, ("done", number)])).geturl()
