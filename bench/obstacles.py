"""What stands in the way of a goal that is missed. Written by hand: whoever has looked for the reason
writes it down here, and it travels into ``docs/benchmarks.md`` whenever the goal is missed.
"""

from __future__ import annotations

# By the beginning of the work's name.
_OBSTACLES = {
    "session, 50 messages, clear": (
        "What is left is Python's: some 400 calls from the greeting to the line in the log, a system call or "
        "two for each word (as the limits pay), one row of SQLite and two locks."
    ),
    "session, 50 messages, TLS": (
        "Most of it is OpenSSL's handshake, which the bare server pays as well: that one alone is already near "
        "a third of the best other's whole session. Resumption saves little with TLS 1.3, which agrees on a key anew."
    ),
    "RETR 5 kB, one at a time": (
        "The way of a command through Python takes as long as all the rest; bodies in a row are read some at "
        "a time, which halved the share of SQLite."
    ),
    "RETR 5 kB, 50 in a write": (
        "A dozen calls of Python for each command; the bodies come from SQLite's pages, the other servers' from "
        "files in the page cache."
    ),
    "RETR 5 MB": "Python's share is a piece of 256 kB at a time; the rest is the kernel's copying, and OpenSSL's.",
    "1,000 idle sessions": "What OpenSSL holds for a connection.",
    "100,000 messages: UIDL": (
        "The first time after a change its lines are made of the index (a fifth of a microsecond each); from then "
        "on they are remembered, and only sent."
    ),
    "100,000 messages: LIST": "The same as UIDL.",
    "drain": (
        "Each message is sent (two commands through Python) and deleted as two rows of an index that stays "
        "durable in one transaction; Dovecot unlinks files."
    ),
}


def obstacle(work: str) -> str:
    """The reason, as far as it is known; else empty."""
    return next((text for name, text in _OBSTACLES.items() if work.startswith(name)), "")
