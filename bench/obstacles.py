"""What stands in the way of a goal that is missed. Written by hand: whoever has looked for the reason
writes it down here, and it travels into ``docs/benchmarks.md`` whenever the goal is missed.
"""

from __future__ import annotations

# By the beginning of the work's name.
_OBSTACLES = {
    "session, 50 messages, clear": (
        "What is left is Python's: some fourteen commands and events through parser, handler and store."
    ),
    "session, 50 messages, TLS": (
        "About half of it is OpenSSL's handshake, which the bare server pays as well."
    ),
    "RETR 5 kB, one at a time": (
        "The kernel and the event loop take about a quarter of it; the rest is one query to SQLite (which "
        "locks and unlocks its file by two system calls) and the way of a command through Python."
    ),
    "RETR 5 kB, 50 in a write": (
        "A query to SQLite for each message; the other servers read a file in the page cache."
    ),
    "1,000 idle sessions": "What OpenSSL holds for a connection.",
    "100,000 messages: UIDL": "Each line is made by Python.",
    "100,000 messages: LIST": "Each line is made by Python.",
    "drain": "Each message is a row to be found, sent, counted and deleted.",
}


def obstacle(work: str) -> str:
    """The reason, as far as it is known; else empty."""
    return next((text for name, text in _OBSTACLES.items() if work.startswith(name)), "")
