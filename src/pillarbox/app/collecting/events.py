"""What happens, for scripts: one JSON object a line on stdout (``--json``).

Each has ``event``, and ``account`` where it is about one. ``docs/commands.md`` lists them.
That a message has come is not told: until its batch is ``stored``, nothing depends on it.
"""

from __future__ import annotations

import json
from typing import Any

from pillarbox.app.collecting.listening import Listener
from pillarbox.app.collecting.outcomes import exit_code
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.exits import ExitCode
from pillarbox.fetch.account import Account
from pillarbox.fetch.events import Connected, Deleted, Event, Planned, Problem, Stored, Totals
from pillarbox.fetch.plan import Decision, Plan
from pillarbox.fetch.run import Outcome


class JsonEvents(Listener):
    """Listens; see the module."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def tell(self, account: Account, event: Event) -> None:
        match event:
            case Connected():
                self._say("connected", account, server=event.place, mechanism=event.mechanism)
            case Planned():
                self._say("planned", account, **_counts(event.plan))
            case Stored():
                self._say("stored", account, messages=event.messages)
            case Deleted():
                self._say("deleted", account, messages=event.messages)
            case Problem():
                self._say("problem", account, text=event.text)

    def ended(self, account: Account, outcome: Outcome) -> None:
        error = outcome.error
        self._say(
            "ended",
            account,
            **outcome.totals._asdict(),
            error=None if error is None else str(error),
            exit_code=int(exit_code(outcome)),
        )

    def pausing(self, account: Account, seconds: float | None) -> None:
        self._say("pausing", account, seconds=seconds)

    def preview(self, account: Account, plan: Plan) -> None:
        """What a run would do (``--dry-run``)."""
        decisions = (*plan.retrieve, *plan.verify, *plan.delete, *plan.leave)
        asked = {decision.message.number for decision in plan.switched}
        self._say(
            "preview",
            account,
            **_counts(plan),
            messages=[_decision(one, asks=one.message.number in asked) for one in decisions],
        )

    def done(self, totals: Totals, code: ExitCode) -> None:
        """The command ends."""
        self._say("done", None, **totals._asdict(), exit_code=int(code))

    def _say(self, event: str, account: Account | None, **fields: Any) -> None:
        whose = {} if account is None else {"account": account.name}
        self._voice.say(json.dumps({"event": event, **whose, **fields}))


def _counts(plan: Plan) -> dict[str, int]:
    return {
        "retrieve": len(plan.retrieve),
        "octets": sum(decision.message.octets or 0 for decision in plan.retrieve),
        "verify": len(plan.verify),
        "delete": len(plan.delete),
        "leave": len(plan.leave),
        "to_confirm": len(plan.switched),
    }


def _decision(decision: Decision, *, asks: bool) -> dict[str, Any]:
    message = decision.message
    return {
        "number": message.number,
        "unique_id": message.unique_id,
        "octets": message.octets,
        "action": str(decision.action),
        "then_delete": decision.then_delete,
        "to_confirm": asks,
        "reason": decision.reason.value,
    }
