"""Locking an mbox against all other programs that write to it.

Two ways, both of them, as most mail programs do: a lock file ``NAME.lock`` beside it, and
a record lock (fcntl) on the file. The lock file comes first, and nothing is waited for with
one of them in hand: a program that takes them in the other order would wait for ever.

Threads of this process take turns before that: to the kernel they are one, and what one of
them closes unlocks the file of the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pillarbox.fetch.errors import DestinationUnusable

TRIES = 300
PAUSE = 0.1
"""Seconds between tries: half a minute in all, more than any program takes to add a message."""
STALE = 300.0
"""Seconds after which a lock file that does not say whose it is counts as left behind."""

_turns = threading.Lock()


@contextlib.contextmanager
def locked(path: Path, mark: str) -> Iterator[int]:
    """Open the mbox *path* (made if missing) and hold both its locks.

    Yields its descriptor, for reading and writing. *mark* is the owner's; nobody else has it.

    Raises:
        DestinationUnusable: another program holds it all the time.
        OSError: it cannot be opened or locked.
    """
    path = path.resolve()
    dotlock = path.with_name(f"{path.name}.lock")
    draft = path.with_name(f".{path.name}.lock-{mark}")
    with _turns, contextlib.ExitStack() as stack:
        for _ in range(TRIES):
            descriptor = _both(path, dotlock, draft, stack)
            if descriptor is not None:
                yield descriptor
                return
            time.sleep(PAUSE)
    raise DestinationUnusable(
        f"{path}: another program has kept it locked for {TRIES * PAUSE:.0f} seconds: "
        f"wait until it is done, or remove {dotlock} if no program is using the file"
    )


def _both(path: Path, dotlock: Path, draft: Path, stack: contextlib.ExitStack) -> int | None:
    """Take both locks, for *stack* to give back; None: not to be had now, none is held."""
    made = _take(dotlock, draft)
    if made is None:
        return None
    with contextlib.ExitStack() as taken:
        if made:
            taken.callback(dotlock.unlink, missing_ok=True)
        descriptor = _opened(path)
        if descriptor is not None:
            taken.callback(os.close, descriptor)
            stack.push(taken.pop_all())
        return descriptor


def _take(dotlock: Path, draft: Path) -> bool | None:
    """Make the lock file: True. It cannot be made in this folder: False. Taken: None.

    It is written under another name and then linked, so that whoever finds it, even after
    this process was killed, finds whose it is.
    """
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except PermissionError:  # a mail folder of the system's: others do with the record lock, too
        return False
    try:
        os.write(descriptor, b"%d\n" % os.getpid())
        dotlock.hardlink_to(draft)
    except FileExistsError:
        if _is_stale(dotlock):
            dotlock.unlink(missing_ok=True)
        return None
    except PermissionError:  # a file system without links
        return False
    finally:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
    return True


def _is_stale(dotlock: Path) -> bool:
    """Whether the program that made it is gone (it was killed, or the machine was)."""
    try:
        age = time.time() - dotlock.stat().st_mtime
        owner = dotlock.read_text("ascii", "replace").strip()
    except OSError:  # it has been removed just now
        return False
    if not owner.isdecimal() or owner == "0":
        return age > STALE
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _opened(path: Path) -> int | None:
    """A descriptor with a record lock; None: another program has one, or replaced the file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, PermissionError, FileNotFoundError):  # POSIX: EAGAIN or EACCES
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
