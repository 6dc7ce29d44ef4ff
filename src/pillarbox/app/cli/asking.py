"""Asking whether something is meant that cannot be undone.

Not within an event loop: it takes the first Ctrl-C for a wish to cancel what it runs, and the
question goes on waiting.
"""

from __future__ import annotations

import sys

import typer

from pillarbox.app.cli.exits import CommandFailed, ExitCode


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def must_agree(question: str, *, stakes: str, note: str = "") -> None:
    """Go on only if somebody says yes.

    Args:
        question: without its question mark.
        stakes: half a sentence of what there is to lose; may be empty.
        note: a line to be read before the question.

    Raises:
        CommandFailed: there is nobody to ask.
        typer.Abort: no.
    """
    if not is_terminal():
        lost = f"{stakes}, and " if stakes else ""
        raise CommandFailed(f"{lost}there is no terminal to ask on: use --yes", ExitCode.USAGE)
    if note:
        typer.echo(note)
    typer.confirm(f"{question}?", abort=True)
