"""What runs come to: exit codes."""

from __future__ import annotations

from pillarbox.app.exits import ExitCode, code_of
from pillarbox.fetch.run import Outcome


def exit_code(outcome: Outcome) -> ExitCode:
    """The exit code that an account's run deserves."""
    if outcome.error is not None:
        return code_of(outcome.error)
    return ExitCode.PARTIAL if outcome.totals.failed else ExitCode.DONE
