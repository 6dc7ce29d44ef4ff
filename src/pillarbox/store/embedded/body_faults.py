"""Faults of bodies: missing, cut short, changed, or known to no index.

Repair takes a message off the list only when its body is not whole, and sets aside what is
left. A body that is whole in length but has other octets than were delivered stays where it
is: nothing but a backup can bring them back, and most of it can still be read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pillarbox.store.embedded.bodies import BodyFiles, abandoned
from pillarbox.store.embedded.faults import Fault, Key, Scope, set_body_aside
from pillarbox.store.embedded.jobs import delete_messages
from pillarbox.store.embedded.lost import set_aside
from pillarbox.store.embedded.transaction import Transaction

PIECE = 1024 * 1024
_TAKEN_OFF = """
    INSERT INTO taken_off (maildrop, unique_id)
    SELECT maildrop, unique_id FROM messages WHERE maildrop = ? AND seq = ?
"""


def damaged_bodies(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Listed messages whose body is missing or not as long as the index says."""
    query = """
        SELECT d.name, d.id, m.seq, m.unique_id, m.octets, m.body, b.stored, length(b.data)
        FROM messages AS m JOIN maildrops AS d ON d.id = m.maildrop
        LEFT JOIN bodies AS b ON b.id = m.body
        WHERE (b.data IS NULL OR length(b.data) <> b.stored) AND {mine} AND {these}"""
    found = scope.rows(query, keys, "m.maildrop", "m.seq")
    for user, maildrop, seq, unique_id, octets, body, stored, inline in found:
        why = _damage(scope.bodies.path(body), stored, inline)
        if why is not None:
            mend = partial(_take_off_the_list, scope, maildrop, seq, body)
            text = f"message {unique_id} of {octets} octets: {why}"
            yield Fault(user, text, (maildrop, seq), mend)


def _damage(path: Path, stored: int | None, inline: int | None) -> str | None:
    if stored is None:
        return "its body is not in the index"
    if inline is not None:
        return f"its body in the index has {inline} bytes instead of {stored}"
    try:
        found = path.stat().st_size
    except FileNotFoundError:
        return f"its body file {path} is missing"
    return None if found == stored else f"its body file {path} has {found} bytes, not {stored}"


def _take_off_the_list(
    scope: Scope, maildrop: int, seq: int, body: int, transaction: Transaction
) -> str:
    """Set aside what is left of the body first: its file is unlinked with its last message."""
    aside = scope.aside
    if body not in aside:
        aside[body] = set_body_aside(transaction, scope.bodies, body)
    transaction.sql.execute(_TAKEN_OFF, (maildrop, seq))
    delete_messages(transaction, maildrop, [seq])
    left = f"what is left of it is in {aside[body]}" if aside[body] else "nothing is left of it"
    return f"the message has been taken off the list; {left}"


def changed_bodies(scope: Scope) -> list[int]:
    """The bodies in *scope* that do not have the checksum that they were stored with.

    Reads all of them, each in a transaction of its own; an index that no server has brought
    up to date yet has no checksums.
    """
    columns = [name for _, name, *_ in scope.sql.execute("PRAGMA table_info(bodies)").fetchall()]
    if "checksum" not in columns:
        return []
    query = "SELECT id FROM bodies"
    if scope.user is not None:
        query = """SELECT DISTINCT m.body FROM messages AS m
            JOIN maildrops AS d ON d.id = m.maildrop WHERE {mine}"""
    return [body for (body,) in scope.rows(query, None) if _change(scope, body)]


def other_octets(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Listed messages with one of the ``changed`` bodies."""
    query = """
        SELECT d.name, m.unique_id, m.octets FROM messages AS m
        JOIN maildrops AS d ON d.id = m.maildrop WHERE m.body = :body AND {mine}"""
    for body in scope.changed if keys is None else [body for (body,) in keys]:
        why = _change(scope, body)
        for user, unique_id, octets in scope.rows(query, None, body=body) if why else ():
            yield Fault(user, f"message {unique_id} of {octets} octets: {why}", (body,), None)


def _change(scope: Scope, body: int) -> str | None:
    """How *body* differs from what was delivered, if its length does not tell already."""
    row = "SELECT checksum, stored, data FROM bodies WHERE id = :body"
    found = scope.rows(row, None, body=body)
    if not found or found[0][0] is None:
        return None
    checksum, stored, data = found[0]
    where = f"its body {body} in the index"
    if data is None:
        path = scope.bodies.path(body)
        where = f"its body file {path}"
        try:
            length, computed = _summed(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{where} cannot be read: {error}"
    else:
        length, computed = len(data), zlib.crc32(data)
    if length != stored or computed == checksum:
        return None
    return (
        f"{where} has other octets than were delivered (checksum {computed:08x} instead of "
        f"{checksum:08x}); restore it from a backup, repair leaves it as it is"
    )


def _summed(path: Path) -> tuple[int, int]:
    """Length and checksum of a file."""
    length = checksum = 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            length += len(piece)
            checksum = zlib.crc32(piece, checksum)
    return length, checksum


def unknown_files(scope: Scope, keys: Sequence[Key] | None = None) -> Iterator[Fault]:
    """Files that no row speaks of. Those of the doomed are about to be unlinked anyway."""
    known = """SELECT id FROM bodies WHERE data IS NULL AND {these}
        UNION SELECT id FROM doomed WHERE {these}"""
    expected = {body for (body,) in scope.rows(known, keys, "id")}
    there = scope.bodies.numbers() if keys is None else [body for (body,) in keys]
    unknown = [body for body in there if body not in expected and scope.bodies.path(body).exists()]
    leavings = scope.bodies.leavings(unknown, set(abandoned(scope.staging).values()))
    for body in unknown:
        path = scope.bodies.path(body)
        if body in leavings:
            text = f"{path} was left behind by a delivery that died"
            yield Fault(None, text, (body,), partial(_unlink, scope.bodies, body))
        else:
            text = f"body file {path} belongs to no message that the index knows"
            yield Fault(None, text, (body,), partial(_set_aside, scope.bodies, body))
    for path in scope.bodies.strangers() if keys is None else ():
        yield Fault(None, f"{path} is no body file; move it away", None, None)


def _unlink(bodies: BodyFiles, body: int, _: Transaction) -> None:
    bodies.unlink(body)


def _set_aside(bodies: BodyFiles, body: int, _: Transaction) -> str:
    return f"it has been moved to {set_aside(bodies.path(body), bodies.shard)}"
