"""How a command of Typer's ends; codes and sentences are in :mod:`pillarbox.app.exits`."""

from __future__ import annotations

import typer

from pillarbox.app.exits import CommandFailed, ExitCode, code_of, explain, sentence

__all__ = ["CommandFailed", "ExitCode", "code_of", "fail", "sentence"]


def fail(error: BaseException, *, debug: bool) -> typer.Exit:
    """Say what went wrong; returns the exception that ends the command."""
    return typer.Exit(explain(error, debug=debug))
