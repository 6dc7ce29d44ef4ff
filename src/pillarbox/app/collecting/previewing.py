"""``--dry-run``: what a run would do, and nothing of it done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pillarbox.app.collecting.running import Interrupted, previews
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.exits import ExitCode, code_of, most_serious
from pillarbox.app.texts import counted
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.events import Problem, Totals
from pillarbox.fetch.plan import Plan


def show_previews(
    accounts: Sequence[Account], state: Path, voice: Voice, *, as_json: bool
) -> ExitCode:
    """Show the plans of all accounts; returns the exit code."""
    try:
        found = previews(accounts, state)
    except Interrupted:
        voice.complain("interrupted")
        return ExitCode.PARTIAL
    code = most_serious(code_of(one) for one in found if isinstance(one, PillarboxError))
    pairs = list(zip(accounts, found, strict=True))
    if as_json:
        _as_json(pairs, voice, code)
        return code
    for account, one in pairs:
        if isinstance(one, PillarboxError):
            voice.complain(f"{account.name}: {one}")
            continue
        for line in _described(account, one):
            voice.say(f"{account.name}: {line}" if len(accounts) > 1 else line)
    return code


def _described(account: Account, plan: Plan) -> list[str]:
    lines = list(plan.describe())
    if plan.switched and not account.confirmed:
        lines.append(
            f"the rules before kept {counted(len(plan.switched), 'message')} of those to delete: "
            "a run leaves them until you say yes, or --yes"
        )
    return lines


def _as_json(
    pairs: Sequence[tuple[Account, Plan | PillarboxError]], voice: Voice, code: ExitCode
) -> None:
    from pillarbox.app.collecting.events import JsonEvents  # noqa: PLC0415 -- only for scripts

    events = JsonEvents(voice)
    for account, one in pairs:
        if isinstance(one, PillarboxError):
            events.tell(account, Problem(str(one)))
        else:
            events.preview(account, one)
    events.done(Totals(), code)
