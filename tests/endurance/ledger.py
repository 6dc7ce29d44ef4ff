"""The books: what the server has promised, and whether it kept it.

Clients write down what they are about to do before they do it, and what the server answered
when it has. Between the two lies what cannot be known when the server is killed: such a
message may be there or not, such a QUIT may have removed its messages or not. But each whole,
and once the next session has found out which, it must stay so.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Maildrop:
    stored: set[str] = field(default_factory=set)
    """Tags of letters answered with 250 and not known to be deleted."""
    asked: set[str] = field(default_factory=set)
    """Sent, and never answered."""
    gone: set[str] = field(default_factory=set)
    """Must never be seen again: deleted, or refused, or found not to be stored."""
    quits: list[frozenset[str]] = field(default_factory=list)
    """Deletions asked for by a QUIT that was never answered."""
    unique_ids: dict[str, str] = field(default_factory=dict)
    """By tag."""


class Ledger:
    """Threads may share it."""

    def __init__(self) -> None:
        self._maildrops: dict[str, _Maildrop] = defaultdict(_Maildrop)
        self._changed = threading.Condition()
        self.stored = 0
        """How many letters were answered with 250, over all maildrops."""
        self.deleted = 0
        """How many letters the answered QUITs removed."""
        self.events = 0
        self._given_up = False

    # -- what deliverers write down ------------------------------------------------------

    def sending(self, tag: str, users: Collection[str]) -> None:
        with self._changed:
            for user in users:
                self._maildrops[user].asked.add(tag)

    def answered(self, tag: str, user: str, *, stored: bool) -> None:
        with self._changed:
            box = self._maildrops[user]
            box.asked.remove(tag)
            if stored:
                # A collector may have been quicker, and have deleted it already.
                if tag not in box.gone:
                    box.stored.add(tag)
                self.stored += 1
            else:
                assert tag not in box.unique_ids, f"letter {tag} was listed, then refused"
                box.gone.add(tag)
            self._note()

    # -- what collectors write down ------------------------------------------------------

    def seen(self, user: str, listed: Sequence[tuple[str, str]]) -> None:
        """A session listed these: (unique-id, tag), in order.

        The session has the lock, so whatever earlier ones asked for has happened, or will not.
        """
        with self._changed:
            box = self._maildrops[user]
            self._settle(user, frozenset(tag for _, tag in listed))
            counted = Counter(tag for _, tag in listed)
            assert not [tag for tag, count in counted.items() if count > 1], "a letter came twice"
            back = box.gone.intersection(counted)
            assert not back, f"{user}: letters {sorted(back)} came back"
            strange = set(counted) - box.stored - box.asked
            assert not strange, f"{user}: letters {sorted(strange)} were never sent there"
            owners = {unique_id: tag for tag, unique_id in box.unique_ids.items()}
            for unique_id, tag in listed:
                assert owners.get(unique_id, tag) == tag, f"unique-id {unique_id} was used twice"
                known = box.unique_ids.setdefault(tag, unique_id)
                assert known == unique_id, f"the unique-id of letter {tag} has changed"

    def _settle(self, user: str, found: frozenset[str]) -> None:
        """Find out what became of the QUITs that were not answered."""
        box = self._maildrops[user]
        for tags in box.quits:
            left = tags & found
            assert left in (frozenset(), tags), f"{user}: a QUIT removed only a part of {tags}"
            if not left:
                self._remove(user, tags)
        box.quits.clear()

    def quitting(self, user: str, tags: Collection[str]) -> None:
        """A session is about to say QUIT with these marked."""
        with self._changed:
            if tags:
                self._maildrops[user].quits.append(frozenset(tags))

    def quit_answered(self, user: str, tags: Collection[str], *, removed: bool) -> None:
        with self._changed:
            if tags:
                self._maildrops[user].quits.remove(frozenset(tags))
            if removed:
                self._remove(user, tags)
                self.deleted += len(tags)
            self._note()

    def _remove(self, user: str, tags: Collection[str]) -> None:
        box = self._maildrops[user]
        box.stored.difference_update(tags)
        box.gone.update(tags)

    def _note(self) -> None:
        self.events += 1
        self._changed.notify_all()

    def wait_for(self, more: int, patience: float) -> None:
        """Wait until *more* answers have been written down."""
        with self._changed:
            wanted = self.events + more
            self._changed.wait_for(lambda: self._given_up or self.events >= wanted, patience)
            assert self.events >= wanted, f"only {self.events} of {wanted} answers came"

    def wait_for_room(self, most: int, is_over: Callable[[], bool]) -> None:
        """Wait until the maildrops together hold fewer than *most* letters, or it is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: is_over() or sum(len(box.stored) for box in self._maildrops.values()) < most
            )

    def wake(self) -> None:
        """Something has changed that others may wait for."""
        with self._changed:
            self._changed.notify_all()

    def give_up(self) -> None:
        """A client has failed: whoever waits should not wait any longer."""
        with self._changed:
            self._given_up = True
            self._changed.notify_all()

    # -- the audit -----------------------------------------------------------------------

    def audit(self, user: str, listed: Sequence[tuple[str, str]]) -> None:
        """Hold what a session lists now, with nobody else at work, against the books.

        Raises:
            AssertionError: the server broke a promise.
        """
        self.seen(user, listed)
        with self._changed:
            box = self._maildrops[user]
            found = {tag for _, tag in listed}
            lost = box.stored - found
            assert not lost, f"{user}: letters {sorted(lost)} are lost"
            box.stored |= found
            box.gone |= box.asked - found
            box.asked.clear()
