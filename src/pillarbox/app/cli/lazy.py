"""Groups of commands that import a command only when it is used.

``pillarbox --help`` shows one line for each command and should not pay for all of them:
a server's imports take ten times as long as the help. So each group has a table, name to
:class:`Entry`, whose summary is shown in the help; the command itself is imported when it
is called (or asked for its own help). A name may be two words, the first of which is a command,
too.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Entry(NamedTuple):
    """One command of a group."""

    target: str
    """``module:attribute``; a function, or a :class:`typer.Typer` for a group."""
    summary: str
    """The first line of its help."""


class _Command(TyperCommand):
    """A single command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _with_bare_flags(super().get_params(ctx))


class LazyGroup(TyperGroup):
    """A group that knows its commands by a table; a subclass sets ``table``."""

    table: ClassVar[dict[str, Entry]] = {}

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._only_names = False
        for name, entry in self.table.items():
            # What help, completion and "did you mean" look at.
            self.commands[name] = TyperCommand(name, help=entry.summary)

    def get_params(self, ctx: Any) -> list[Any]:
        return _with_bare_flags(super().get_params(ctx))

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # Typer's base names a private class
        if self._only_names or cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        return load_command(cmd_name, self.table[cmd_name])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        both = " ".join(args[:2])
        if len(args) > 1 and both in self.table:
            return both, load_command(both, self.table[both]), args[2:]
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with self._names_only():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        with self._names_only():  # of two words, only the first is completed here
            found = super().shell_complete(ctx, incomplete)
            return [item for item in found if " " not in item.value]

    @contextmanager
    def _names_only(self) -> Iterator[None]:
        self._only_names = True
        try:
            yield
        finally:
            self._only_names = False


def _with_bare_flags(params: Sequence[Any]) -> list[Any]:
    """Options that take no value, without the type that Typer's help would show behind them."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return list(params)


def _unwrapped(text: str) -> str:
    """Help with one line for each paragraph: a terminal breaks lines where it is narrow."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def load_command(name: str, entry: Entry) -> Any:
    """Import the command (or group) that *entry* names and make it ready to run."""
    module, _, attribute = entry.target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command(name, cls=_Command)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    command.help = _unwrapped(command.help or "")
    return command
