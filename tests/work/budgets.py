"""What may be spent: the table.

Measured with CPython 3.11, SQLite 3.40 and uvloop 0.23. When a test says that something has grown,
see in CONTRIBUTING.md what to do. ``python -m tests.work --lower`` writes the figures that have
become lower.
"""

from __future__ import annotations

from tests.work.judging import Budget

_KNOWN = "nothing: the account is remembered while no account changes"
_NOBODY = "nothing: it is not asked"

STATEMENTS: dict[str, Budget] = {
    # A poll is USER, PASS, STAT, UIDL, LIST, QUIT, among 50 messages.
    "the first poll of all: statements, accounts": Budget(
        2,
        "the account, once: it is asked for three times; and whether it has keys for SCRAM",
    ),
    "the first poll of all: statements, index, on the loop": Budget(
        7,
        "the view, then under its lock, and again when its opening is noted; whether others could "
        "take its mail away; where the sequence numbers begin, and a column for each list",
    ),
    "the first poll of all: statements, index, behind it": Budget(
        5, "one transaction that notes that the view has been opened"
    ),
    "a poll: statements, accounts": Budget(0, _KNOWN),
    "a poll: statements, index, on the loop": Budget(1, "the view, under its lock"),
    "a poll: statements, index, behind it": Budget(0, "nothing: a poll writes nothing"),
    "a poll of a device: statements, accounts": Budget(0, _KNOWN),
    "a poll of a device: statements, index, on the loop": Budget(1, "the view, under its lock"),
    "a poll of a device: statements, index, behind it": Budget(0, "nothing: a poll writes nothing"),
    "50 times RETR: statements, accounts": Budget(0, _NOBODY),
    "50 times RETR: statements, index, on the loop": Budget(
        3, "where the sequence numbers begin; the first body; the second with those that follow it"
    ),
    "50 times RETR: statements, index, behind it": Budget(0, "nothing: reading writes nothing"),
    "50 times DELE, and QUIT: statements, accounts": Budget(0, _NOBODY),
    "50 times DELE, and QUIT: statements, index, on the loop": Budget(
        1, "where the sequence numbers begin: a mark asks for nothing"
    ),
    "50 times DELE, and QUIT: statements, index, behind it": Budget(
        15,
        "one transaction, its statements as sets (a trigger makes one of them count twice); and "
        "the look at what could be given back",
    ),
    "UIDL and LIST of 3,000: statements, accounts": Budget(0, _NOBODY),
    "UIDL and LIST of 3,000: statements, index, on the loop": Budget(
        3, "each page of some thousand lines, for each list; and where the sequence numbers begin"
    ),
    "UIDL and LIST of 3,000: statements, index, behind it": Budget(
        0, "nothing: reading writes nothing"
    ),
    "a message by LMTP: statements, accounts": Budget(0, _KNOWN),
    "a message by LMTP: statements, index, on the loop": Budget(0, _NOBODY),
    "a message by LMTP: statements, index, behind it": Budget(
        10, "one transaction: the body, the message, the counters (a trigger counts twice)"
    ),
}

READER: dict[str, Budget] = {
    # BEGIN and ROLLBACK around what is asked at one moment; rows of 50 messages are one statement.
    "a list in the reader: statements": Budget(
        8, "which rows, and the rows; how many there are; what the sidebar counts"
    ),
    "a search in the reader: statements": Budget(
        11,
        "where to search, which messages, and their rows; where in these it was found, at another moment;"
        " what the sidebar counts",
    ),
    "a list in the reader with a message open: statements": Budget(
        23, "the list; the message, its thread, and its file: each its number, and its rows"
    ),
    "a message marked in the reader: statements": Budget(
        16,
        "where its file is; one transaction: the message (a trigger counts twice), its file, its thread",
    ),
}

CALLS: dict[str, Budget] = {
    "NOOP in the wire core: function calls": Budget(
        15, "to find the line, the command and its rule, and to make the status line"
    ),
    "RETR in the wire core: function calls": Budget(
        15, "the same: a line that was heard before is known"
    ),
    "LIST in the wire core: function calls": Budget(
        15, "the same as NOOP: contents are not looked at"
    ),
    # From the bytes of the command in the connection's buffer to those of its reply in the transport.
    "NOOP: function calls": Budget(
        35, "the wire core, two looks at the clock, one coroutine, one write"
    ),
    "STAT: function calls": Budget(40, "the same as NOOP, and the counters of the session"),
    "RETR: function calls": Budget(65, "the same, one statement, and three segments of the reply"),
    "UIDL: function calls": Budget(51, "the same as NOOP, and the reply that is remembered"),
    "LIST: function calls": Budget(53, "the same as UIDL, and counters in the status line"),
    "DELE: function calls": Budget(42, "the same as NOOP, a message-number, and the mark"),
    "a poll: function calls": Budget(
        415,
        "six commands, the greeting, the proof of the password, the lock, what was read ahead, "
        "the end",
    ),
}

COPIES: dict[str, Budget] = {
    "RETR of 100 kB: copies": Budget(
        2, "out of SQLite; and into one write with status line and end"
    ),
    "RETR of 100 kB: peak of memory, kB": Budget(205, "the two copies", leeway=20),
    "RETR of 5 MB: copies": Budget(1, "out of the page cache"),
    "RETR of 5 MB: peak of memory, kB": Budget(
        273, "two pieces of 128 KiB, since the next is read before the last is given up", leeway=20
    ),
    "10 times RETR of 4 kB in a write: copies": Budget(1.1, "into one write"),
}

# Blocks of Python's own memory. A server keeps thousands of sessions that say nothing.
IDLE: dict[str, Budget] = {
    "an idle session, not signed in: blocks": Budget(
        6, "connection, session, machine with its lines, what is marked, the clock"
    ),
    "an idle session, not signed in: octets": Budget(448, "these", leeway=20),
    "an idle session, signed in: blocks": Budget(
        17, "the same, identity, lock, the open maildrop and its view, the last line heard"
    ),
    "an idle session, signed in: octets": Budget(1_090, "these", leeway=40),
    "an idle session, after UIDL and LIST of 50: blocks": Budget(
        17, "nothing more: the replies are remembered for all sessions"
    ),
    "an idle session, after UIDL and LIST of 50: octets": Budget(1_076, "these", leeway=40),
    "an idle session, after RETR: blocks": Budget(
        19,
        "when it was; a weak reference by which sqlite3 knows the cursor that read ahead: it takes "
        "them away by the two hundred. A body is sent and forgotten",
    ),
    "an idle session, after RETR: octets": Budget(1_190, "these", leeway=40),
    "an idle session, after DELE among 50: blocks": Budget(
        20, "the numbers of what is marked, twice: those not added up yet have a list", leeway=3
    ),
    "an idle session, after DELE among 50: octets": Budget(1_384, "these", leeway=200),
}

_SYSTEM_CALLS = "the turn of the event loop, read, write"

SYSTEM: dict[str, Budget] = {
    "NOOP in clear: system calls": Budget(3, _SYSTEM_CALLS),
    "NOOP with TLS: system calls": Budget(3, _SYSTEM_CALLS),
    "RETR in clear: system calls": Budget(
        5, f"{_SYSTEM_CALLS}; SQLite's lock, taken and given back"
    ),
    "RETR with TLS: system calls": Budget(
        5, f"{_SYSTEM_CALLS}; SQLite's lock, taken and given back"
    ),
    "a poll in clear: system calls": Budget(
        30, "accept, six commands, greeting, log line; locks of index and maildrop; close"
    ),
    "a poll with TLS: system calls": Budget(
        27,
        "the same without the turns of the loop, and the handshake",
    ),
    "a message by LMTP: syncs": Budget(1, "the commit; nobody hears 250 before it"),
}

BUDGETS: dict[str, Budget] = {**STATEMENTS, **READER, **CALLS, **COPIES, **IDLE, **SYSTEM}
