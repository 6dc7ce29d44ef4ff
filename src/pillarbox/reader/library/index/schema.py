"""The tables. Nothing is ever migrated: a file of another version is made again."""

from __future__ import annotations

APPLICATION_ID = 0x50424958
"""Marks the file as ours: "PBIX"."""

VERSION = 4
"""To be raised whenever tables, folding, or what is kept of a message change."""

INBOXES = 1
"""The number of the list of all inboxes: it has heads like a folder, and no messages of its own."""

NUMBERS_A_SECOND = 64
"""A message's number is its date times this, and the next one that is free. Small numbers make a small index
of words; more messages than this with one date go on into the next second's."""

STATEMENTS = (
    # total and unseen are of messages, threads of heads. Kept up by triggers.
    """
    CREATE TABLE folders (
        id INTEGER PRIMARY KEY,
        name BLOB NOT NULL UNIQUE,
        total INTEGER NOT NULL DEFAULT 0,
        unseen INTEGER NOT NULL DEFAULT 0,
        threads INTEGER NOT NULL DEFAULT 0
    )
    """,
    # What is searched by, or counted: small rows, of which a whole mailbox fits into memory.
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        folder INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        date INTEGER NOT NULL,
        octets INTEGER NOT NULL,
        attachments INTEGER NOT NULL,
        thread INTEGER NOT NULL
    )
    """,
    # Its file: where to find it, and by what others know it.
    """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        base BLOB NOT NULL,
        new INTEGER NOT NULL,
        extra BLOB NOT NULL
    )
    """,
    "CREATE INDEX messages_by_thread ON messages (thread, folder, flags)",
    "CREATE INDEX messages_by_folder ON messages (folder)",
    # What a list shows of a message, and never changes.
    """
    CREATE TABLE faces (
        id INTEGER PRIMARY KEY,
        message_id INTEGER,
        topic INTEGER,
        sender_name TEXT NOT NULL,
        sender_address TEXT NOT NULL,
        recipients TEXT NOT NULL,
        subject TEXT NOT NULL,
        opening TEXT NOT NULL
    )
    """,
    # What is searched, as it was written, to show where something was found: see matter.py.
    "CREATE TABLE matter (id INTEGER PRIMARY KEY, packed BLOB NOT NULL)",
    "CREATE INDEX faces_by_message_id ON faces (message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX faces_by_topic ON faces (topic) WHERE topic IS NOT NULL",
    # Numbers of messages that are gone; their words are still there.
    "CREATE TABLE gone (id INTEGER PRIMARY KEY)",
    # The latest message of each thread in each list.
    """
    CREATE TABLE heads (
        thread INTEGER NOT NULL,
        list INTEGER NOT NULL,
        id INTEGER NOT NULL,
        messages INTEGER NOT NULL,
        unseen INTEGER NOT NULL,
        PRIMARY KEY (thread, list)
    ) WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX heads_in_order ON heads (list, id)",
    # Which thread a Message-ID belongs to, also one that was only named by others.
    "CREATE TABLE known (message_id INTEGER PRIMARY KEY, thread INTEGER NOT NULL)",
    "CREATE INDEX known_by_thread ON known (thread)",
    """
    CREATE TABLE people (
        address TEXT NOT NULL PRIMARY KEY,
        shown TEXT NOT NULL,
        name TEXT NOT NULL,
        words TEXT NOT NULL,
        written INTEGER NOT NULL,
        received INTEGER NOT NULL,
        last INTEGER NOT NULL,
        named INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # When a folder was last compared with the disk: see pillarbox.reader.library.survey.
    "CREATE TABLE stamps (folder BLOB NOT NULL PRIMARY KEY, stamp BLOB NOT NULL) WITHOUT ROWID",
    """
    CREATE VIRTUAL TABLE words USING fts5 (
        subject, sender, recipients, text, files,
        content='', columnsize=0, prefix='1 2 3',
        tokenize='unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER message_came AFTER INSERT ON messages BEGIN
        UPDATE folders SET total = total + 1, unseen = unseen + NOT (NEW.flags & 1)
            WHERE id = NEW.folder;
    END
    """,
    """
    CREATE TRIGGER message_went AFTER DELETE ON messages BEGIN
        UPDATE folders SET total = total - 1, unseen = unseen - NOT (OLD.flags & 1)
            WHERE id = OLD.folder;
    END
    """,
    """
    CREATE TRIGGER message_placed AFTER UPDATE OF folder, flags ON messages BEGIN
        UPDATE folders SET total = total - 1, unseen = unseen - NOT (OLD.flags & 1)
            WHERE id = OLD.folder;
        UPDATE folders SET total = total + 1, unseen = unseen + NOT (NEW.flags & 1)
            WHERE id = NEW.folder;
    END
    """,
    """
    CREATE TRIGGER head_came AFTER INSERT ON heads BEGIN
        UPDATE folders SET threads = threads + 1 WHERE id = NEW.list;
    END
    """,
    """
    CREATE TRIGGER head_went AFTER DELETE ON heads BEGIN
        UPDATE folders SET threads = threads - 1 WHERE id = OLD.list;
    END
    """,
    f"INSERT INTO folders (id, name) VALUES ({INBOXES}, CAST('Inbox' AS BLOB))",  # noqa: S608 - a constant
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
