"""The wire core alone: commands in, replies out, no socket and no store."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import MICRO, Figure
from pillarbox.wire.replies import content_of, ok
from pillarbox.wire.server import ServerMachine
from pillarbox.wire.states import State

_SESSION = b"USER user0\r\nPASS x\r\nSTAT\r\nUIDL\r\nLIST\r\nRETR 1\r\nQUIT\r\n"
_LINES = [f"{number} 5000" for number in range(1, 51)]
_BODY = b"".join(b"The quick brown fox jumps over the lazy dog.\r\n" for _ in range(100))


def core(rounds: int) -> Iterator[Figure]:
    """Microseconds for each command of a session whose answers are at hand."""
    listing = content_of(_LINES)
    for batch, name in ((1, "one at a time"), (7, "in one write")):
        commands = _SESSION.splitlines(keepends=True)
        pieces = commands if batch == 1 else [_SESSION]
        answered = 0
        began = time.process_time()
        for _ in range(rounds):
            machine = ServerMachine()
            machine.greeting("ready")
            for piece in pieces:
                machine.receive(piece)
                while (event := machine.next_event()) is not None:
                    content = listing if event.verb in {"UIDL", "LIST"} else None  # type: ignore[union-attr] # no SASL here
                    for _segment in machine.answer(ok("done", content)):
                        pass
                    answered += 1
            if machine.state is not State.CLOSED:
                raise AssertionError("the session is not over")
        spent = time.process_time() - began
        yield Figure(
            f"wire core, a command, {name}",
            "Pillarbox",
            spent / answered * MICRO,
            "µs",
            answered / spent,
        )
