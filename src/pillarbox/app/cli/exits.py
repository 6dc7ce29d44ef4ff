"""How a command of ours ends: what went wrong goes to stderr, the code to the shell.

Nobody sees a traceback unless ``--debug`` (or ``PILLARBOX_DEBUG=1``) asks for it. The codes
and sentences are in :mod:`pillarbox.app.exits`.
"""

from __future__ import annotations

import sys
import traceback

import typer

from pillarbox.app.exits import CommandFailed, ExitCode, code_of, sentence

__all__ = ["CommandFailed", "ExitCode", "code_of", "fail", "sentence"]


def fail(error: BaseException, *, debug: bool) -> typer.Exit:
    """Say what went wrong; returns the exception that ends the command."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    typer.echo(sentence(error), err=True)
    return typer.Exit(code_of(error))
