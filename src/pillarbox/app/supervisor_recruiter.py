"""Manning posts: forks a child for each that is free and due, with all that it needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from pillarbox.app.metrics_folder import MetricsFolder, sweep
from pillarbox.app.monitor import Monitor
from pillarbox.app.shared import SharedTable
from pillarbox.app.supervisor_children import Post, fork
from pillarbox.app.supervisor_generation import Generation
from pillarbox.app.supervisor_setup import Setup
from pillarbox.app.supervisor_signals import Mailbox
from pillarbox.app.worker import Worker
from pillarbox.app.worker_life import Seat, run
from pillarbox.lock_holder import holder_of

_log = structlog.get_logger("pillarbox.supervisor")

RETRY_SECONDS = 5.0
"""Until the next try, when there is no process to be had."""


class Recruiter:
    """Knows what every child shares: the table, the lifeline, the metrics folder."""

    def __init__(
        self,
        setup: Setup,
        table: SharedTable,
        mailbox: Mailbox,
        everyone: Callable[[], Iterable[Generation]],
    ) -> None:
        """Make ready for the generation of *setup*.

        *everyone* tells of all generations there are: what is theirs a child has to close.
        """
        self._table = table
        self._mailbox = mailbox
        self._everyone = everyone
        self._lifeline, self._life = os.pipe()
        store = setup.config.store.path
        _tell_of_others(store, sweep(store, setup.user))
        self._metrics = MetricsFolder(store, setup.user)
        self._leavings = [self._metrics]

    def serve_as_other_user(self, setup: Setup) -> None:
        """The next children have another user, who could not write the files of before."""
        self._metrics = MetricsFolder(setup.config.store.path, setup.user)
        self._leavings.append(self._metrics)

    def man(self, generation: Generation) -> bool:
        """Fork whoever is missing and due; False: there is no column left for one."""
        now = time.monotonic()
        return all(
            self._fork(generation, post)
            for post in generation.posts
            if post.child is None and (post.due is None or post.due <= now)
        )

    def close(self) -> None:
        """Remove what is on disk."""
        for folder in self._leavings:
            folder.remove()

    def _fork(self, generation: Generation, post: Post) -> bool:
        column = self._table.take(generation.number)
        if column is None:
            post.due = time.monotonic() + RETRY_SECONDS
            return False
        post.due = None
        seat = Seat(
            role=post.role,
            number=post.number,
            setup=generation.setup,
            table=self._table,
            column=column,
            lifeline=self._lifeline,
            notice=self._mailbox.notice,
            metrics=self._metrics.path,
        )
        service = Worker(seat) if post.role == "worker" else Monitor(seat)
        try:
            post.child = fork(column, lambda: self._forget(seat), lambda: run(seat, service))
        except OSError as error:
            self._table.wipe(column)
            post.due = time.monotonic() + RETRY_SECONDS
            _log.error("cannot fork; trying again", role=post.role, error=str(error))
        return True

    def _forget(self, seat: Seat) -> None:
        """In the new child: close what belongs to the supervisor and to other children."""
        self._mailbox.forget()
        os.close(self._life)
        mine = set(map(id, seat.sockets))
        for generation in self._everyone():
            for listener in generation.setup.listeners:
                for sock in listener.sockets:
                    if id(sock) not in mine:
                        sock.close()


def _tell_of_others(store: Path, folders: Sequence[Path]) -> None:
    """Say that other servers work on the same *store*, each of which has one of *folders*.

    They do not harm each other: all locks are the system's. So a new server may take over from
    an old one; but two that are meant to have a store each should not go unnoticed.
    """
    if folders:
        _log.warning(
            "another server works on this store, or is just ending",
            store=str(store),
            holders=", ".join(sorted({holder_of(path) or "unknown" for path in folders})),
        )
