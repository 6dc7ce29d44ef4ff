"""A run in a process of its own, for tests to kill.

``python -m tests.fetch.hostile.child STATE TARGET PORT MODE`` collects alice's mail from a
hostile server on this machine. Exit status 0: all went well.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.fetch import collecting
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import run
from tests.fetch.hostile.server import HOST, PASSWORD, USER

SMALL_BATCH = 3
"""Messages: many steps for few of them."""


def main(state: str, target: str, port: str, mode: str) -> int:
    vars(collecting)["BATCH_MESSAGES"] = SMALL_BATCH
    account = Account(
        "child",
        Endpoint(HOST, int(port), Security.CLEARTEXT, USER),
        parse_destination(target),
        Rules.of_mode(mode),
        password=PASSWORD,
    )
    outcome = asyncio.run(run(account, Path(state)))
    return 0 if outcome.error is None and not outcome.totals.failed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
