"""The supervisor: binds the doors, forks the workers, and sees that they live.

A small synchronous process: one loop, no threads, no asyncio, and nothing that comes from
the network is ever read in it. Started as root it stays root, which is why it does so
little: its children drop root before they accept anything, and only the supervisor can
read a renewed key or bind another port when it is told to reload.

Processes come in *generations*: all workers, and the health page's process, forked from
one configuration and one set of TLS contexts.

Reload (SIGHUP)
    The configuration and the certificate are read again. With a fault in them, it is
    logged and nothing changes. Else a new generation is forked; when all of it accepts,
    the old one stops accepting and lets its sessions end in peace; ``ready`` is logged
    once nobody meets the old configuration any more. Sockets of addresses that stay are inherited: no connection is refused meanwhile. If the new generation
    does not come up, it is abandoned and the old one goes on.

Stop (SIGTERM, SIGINT)
    Doors are closed; sessions may finish for ``limits.stop_grace`` seconds and are then
    cut off without an UPDATE. A second signal ends the waiting.

Death
    A child that dies is logged, its share of the counted connections is wiped, and it is
    replaced: at once if it had lived for a while, else after a growing delay. Only in the
    very first generation, before it was ever ready, does a death end the whole server:
    what cannot start should say so, not retry in the dark.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import structlog

from pillarbox.app.config.faults import ConfigError
from pillarbox.app.config.settings import Config
from pillarbox.app.metrics_folder import MetricsFolder, sweep
from pillarbox.app.monitor import Monitor
from pillarbox.app.open_files import warn_if_few
from pillarbox.app.shared import SharedTable, State
from pillarbox.app.supervisor_children import Child, Post, describe, fork
from pillarbox.app.supervisor_setup import Setup, prepare
from pillarbox.app.supervisor_signals import Mailbox
from pillarbox.app.worker import Worker
from pillarbox.app.worker_life import Seat, run

_log = structlog.get_logger("pillarbox.supervisor")

# Beyond ``stop_grace``: what a child may take to close its files before it is killed.
STOP_MARGIN_SECONDS = 10.0
# A generation that is not ready by then is not going to be.
RELOAD_PATIENCE_SECONDS = 120.0
# A child whose event loop has stood still for so long is reported.
STALL_SECONDS = 15.0
_LOOK_ROUND_SECONDS = 5.0


@dataclass(eq=False)
class Generation:
    """The processes of one setup."""

    number: int
    setup: Setup
    posts: list[Post]
    born: float = field(default_factory=time.monotonic)

    @property
    def children(self) -> Iterator[tuple[Post, Child]]:
        return ((post, post.child) for post in self.posts if post.child)

    def has_closed(self) -> bool:
        """Whether nobody of it accepts any more."""
        return all(child.column.state is State.DRAINING for _, child in self.children)

    def is_ready(self) -> bool:
        """Whether every post is manned by somebody who accepts."""
        return all(post.child and post.child.column.state is State.READY for post in self.posts)

    def send(self, number: signal.Signals, *, to: str | None = None) -> None:
        """Signal all children, or those of one role."""
        for post, child in self.children:
            if to in {None, post.role}:
                child.send(number)


class Supervisor:
    """One run of the server, from the bound sockets to the last child's end."""

    def __init__(
        self,
        setup: Setup,
        reread: Callable[[Config], Config],
        *,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """Make ready to serve *setup*.

        Args:
            setup: what the first generation is to run.
            reread: reads the configuration again; raises ConfigError.
            on_ready: called once, when the first generation accepts.
        """
        self._on_ready = on_ready
        self._reread = reread
        self._table = SharedTable()
        self._mailbox = Mailbox()
        self._lifeline, self._life = os.pipe()
        sweep(setup.config.store.path, setup.user)
        self._metrics = MetricsFolder(setup.config.store.path, setup.user)
        self._leavings = [self._metrics]
        self._serving = Generation(1, setup, _posts(setup))
        self._coming: Generation | None = None
        self._leaving: Generation | None = None
        """The generation before, as long as it may still accept somebody."""
        self._retired: list[Generation] = []
        self._newest = 1
        self._ready = False
        self._wants_reload = False
        self._stop_by: float | None = None
        self._told_monitors = False
        self._exit_code = 0
        self._stalled: set[int] = set()

    def run(self) -> int:
        """Serve until told to stop; returns the exit code."""
        self._mailbox.open()
        _warn(self._serving.setup.config)
        # What is in memory now is shared by all children as long as nobody touches it.
        gc.collect()
        gc.freeze()
        try:
            self._man(self._serving)
            while not self._is_over():
                for number in self._mailbox.wait(self._until_next()):
                    self._obey(number)
                self._tend()
        finally:
            self._close()
        _log.info("stopped", exit_code=self._exit_code)
        return self._exit_code

    # -- signals ---------------------------------------------------------------------

    def _obey(self, number: signal.Signals) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            _log.info("stopping", signal=number.name, again=self._stop_by is not None)
            self._stop(hurry=self._stop_by is not None)
        elif number == signal.SIGHUP and self._stop_by is None:
            self._wants_reload = True

    def _stop(self, *, hurry: bool = False) -> None:
        grace = 0.0 if hurry else self._serving.setup.config.limits.stop_grace
        self._stop_by = time.monotonic() + grace + STOP_MARGIN_SECONDS
        for generation in self._all():
            generation.setup.close()
            for post in generation.posts:
                post.due = None
            # The health page stays up to say "draining" until the last worker has gone.
            generation.send(signal.SIGUSR2 if hurry else signal.SIGTERM, to="worker")

    # -- the loop's steps ------------------------------------------------------------

    def _tend(self) -> None:
        self._reap()
        self._settle()
        if self._stop_by is not None:
            self._see_to_the_end(self._stop_by)
            return
        if self._wants_reload and self._ready and not self._coming and not self._leaving:
            self._wants_reload = False
            self._reload()
        for generation in filter(None, (self._serving, self._coming)):
            self._man(generation)
        self._look_for_stalls()

    def _until_next(self) -> float:
        """Seconds until something is due."""
        now = time.monotonic()
        times = [now + _LOOK_ROUND_SECONDS]
        times += [post.due for post in self._serving.posts if post.due is not None]
        if self._stop_by is not None:
            times.append(self._stop_by)
        return min(times) - now

    def _is_over(self) -> bool:
        return self._stop_by is not None and not any(self._everybody())

    def _see_to_the_end(self, deadline: float) -> None:
        roles = {post.role for post, _ in self._everybody()}
        late = time.monotonic() >= deadline
        for post, child in self._everybody():
            if late:
                _log.error("killed: it did not end in time", role=post.role, pid=child.pid)
                child.send(signal.SIGKILL)
            elif "worker" not in roles and not self._told_monitors:
                child.send(signal.SIGTERM)
        self._told_monitors = "worker" not in roles
        if late:
            self._stop_by = time.monotonic() + STOP_MARGIN_SECONDS

    def _settle(self) -> None:
        """Take note of generations that have become ready, or never will."""
        if self._stop_by is not None:
            return
        if not self._ready and self._serving.is_ready():
            self._ready = True
            _log.info("ready", **_addresses(self._serving.setup))
            self._on_ready()
        if self._leaving is not None and self._leaving.has_closed():
            self._leaving = None
            serving = self._serving
            _log.info(
                "ready", generation=serving.number, reloaded=True, **_addresses(serving.setup)
            )
        coming = self._coming
        if coming is None:
            return
        if coming.is_ready():
            self._take_over(coming)
        elif time.monotonic() - coming.born > RELOAD_PATIENCE_SECONDS:
            self._abandon(coming, f"not ready after {RELOAD_PATIENCE_SECONDS:.0f} seconds")

    # -- children --------------------------------------------------------------------

    def _man(self, generation: Generation) -> None:
        """Fork whoever is missing and due."""
        now = time.monotonic()
        for post in generation.posts:
            if post.child is None and (post.due is None or post.due <= now):
                self._fork(generation, post)

    def _fork(self, generation: Generation, post: Post) -> None:
        column = self._table.take(generation.number)
        if column is None:
            # Only while hundreds of old generations drain; they are told to be quick.
            post.due = time.monotonic() + _LOOK_ROUND_SECONDS
            for old in self._retired:
                old.send(signal.SIGTERM)
            return
        post.due = None
        setup = generation.setup
        seat = Seat(
            role=post.role,
            number=post.number,
            setup=setup,
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
            post.due = time.monotonic() + _LOOK_ROUND_SECONDS
            _log.error("cannot fork; trying again", role=post.role, error=str(error))

    def _forget(self, seat: Seat) -> None:
        """In the new child: close what belongs to the supervisor and to other children."""
        self._mailbox.forget()
        os.close(self._life)
        mine = set(map(id, seat.sockets))
        for generation in self._all():
            for listener in generation.setup.listeners:
                for sock in listener.sockets:
                    if id(sock) not in mine:
                        sock.close()

    def _reap(self) -> None:
        for generation in self._all():
            for post, child in list(generation.children):
                status = child.reap()
                if status is not None:
                    self._table.wipe(child.column)
                    self._stalled.discard(child.pid)
                    self._bury(generation, post, child, status)
        self._retired = [generation for generation in self._retired if any(generation.children)]

    def _bury(self, generation: Generation, post: Post, child: Child, status: int) -> None:
        """Decide what a child's end means."""
        how = describe(status)
        expected = self._stop_by is not None or generation in self._retired
        if expected:
            post.child = None
            if status:
                _log.error("ended badly", role=post.role, pid=child.pid, **how)
        elif generation is self._coming:
            post.child = None
            self._abandon(generation, f"its {post.role} {post.number} ended ({how})")
        elif not self._ready:
            post.child = None
            _log.error("could not start", role=post.role, pid=child.pid, **how)
            self._exit_code = 1
            self._stop()
        else:
            delay = post.died(child)
            self._table.count_restart()
            _log.error(
                "died; it is replaced", role=post.role, pid=child.pid, **how, delay_seconds=delay
            )

    def _look_for_stalls(self) -> None:
        for post, child in self._everybody():
            silence = child.column.silence()
            if child.column.state is not State.STARTING and silence > STALL_SECONDS:
                if child.pid not in self._stalled:
                    self._stalled.add(child.pid)
                    _log.error("does not respond", role=post.role, pid=child.pid, seconds=silence)
            elif child.pid in self._stalled:
                self._stalled.discard(child.pid)
                _log.info("responds again", role=post.role, pid=child.pid)

    # -- reload ----------------------------------------------------------------------

    def _reload(self) -> None:
        old = self._serving
        try:
            config = self._reread(old.setup.config)
            setup = prepare(config, old.setup)
        except ConfigError as error:
            for fault in error.faults:
                _log.error("reload refused; the old configuration goes on", fault=str(fault))
            return
        _warn(config)
        if setup.user != old.setup.user:
            # The new user could not write the old one's files; counters begin anew.
            self._metrics = MetricsFolder(config.store.path, setup.user)
            self._leavings.append(self._metrics)
        self._newest += 1
        _log.info("reloading", generation=self._newest)
        self._coming = Generation(self._newest, setup, _posts(setup))

    def _take_over(self, new: Generation) -> None:
        """*new* accepts: from here on it is the one that serves."""
        old = self._serving
        self._serving, self._coming = new, None
        self._retired.append(old)
        for post in old.posts:
            post.due = None
        old.send(signal.SIGUSR1)
        old.setup.close(keep=new.setup)
        self._leaving = old

    def _abandon(self, new: Generation, why: str) -> None:
        _log.error("reload failed; the old configuration goes on", why=why)
        self._coming = None
        self._retired.append(new)
        new.send(signal.SIGTERM)
        new.setup.close(keep=self._serving.setup)

    # -- everybody -------------------------------------------------------------------

    def _all(self) -> list[Generation]:
        coming = [self._coming] if self._coming else []
        return [self._serving, *coming, *self._retired]

    def _everybody(self) -> Iterator[tuple[Post, Child]]:
        return (pair for generation in self._all() for pair in generation.children)

    def _close(self) -> None:
        for generation in self._all():
            generation.setup.close()
        for folder in self._leavings:
            folder.remove()


def _posts(setup: Setup) -> list[Post]:
    return [Post(role, number) for role, number in setup.roles]


def _warn(config: Config) -> None:
    for warning in config.warnings:
        _log.warning("configuration", warning=str(warning))
    warn_if_few(config)


def _addresses(setup: Setup) -> dict[str, str]:
    """The addresses really bound, by door, as fields of the ``ready`` line."""
    doors: dict[str, list[str]] = {}
    for listener in setup.listeners:
        doors.setdefault(listener.door, []).append(listener.name)
    return {door: ",".join(names) for door, names in doors.items()}
