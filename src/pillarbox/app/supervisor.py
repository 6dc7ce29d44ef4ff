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
    once nobody meets the old configuration any more. Sockets of addresses that stay are
    inherited: no connection is refused meanwhile. If the new generation does not come up, it
    is abandoned and the old one goes on.

Stop (SIGTERM, SIGINT)
    For ``limits.stop_delay`` seconds, if there are any, the health page says that the server is
    not ready, and all else goes on. Then doors are closed; sessions may finish for
    ``limits.stop_grace`` seconds and are then cut off without an UPDATE. A second signal ends
    the waiting.

Death
    A child that dies is logged, its share of the counted connections is wiped, and it is
    replaced: at once if it had lived for a while, else after a growing delay. Only in the
    very first generation, before it was ever ready, does a death end the whole server:
    what cannot start should say so, not retry in the dark. A child that lives but does not
    respond for a minute is killed, and then replaced like any other.
"""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable

import structlog

from pillarbox.app.config.faults import ConfigError
from pillarbox.app.config.settings import Config
from pillarbox.app.open_files import warn_if_few
from pillarbox.app.shared import SharedTable
from pillarbox.app.supervisor_children import Child, Post, describe
from pillarbox.app.supervisor_generation import Generation
from pillarbox.app.supervisor_recruiter import Recruiter
from pillarbox.app.supervisor_setup import Setup, prepare
from pillarbox.app.supervisor_signals import Mailbox
from pillarbox.app.supervisor_stalls import StallWatch
from pillarbox.app.supervisor_succession import Succession

_log = structlog.get_logger("pillarbox.supervisor")

# Beyond ``stop_grace``: what a child may take to close its files before it is killed.
STOP_MARGIN_SECONDS = 10.0
_LOOK_ROUND_SECONDS = 5.0


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
        self._line = Succession(setup)
        self._recruiter = Recruiter(setup, self._table, self._mailbox, self._line.all)
        self._stalls = StallWatch()
        self._wants_reload = False
        self._leave_at: float | None = None
        self._stop_by: float | None = None
        self._told_monitors = False
        self._exit_code = 0

    def run(self) -> int:
        """Serve until told to stop; returns the exit code."""
        self._mailbox.open()
        _warn(self._line.serving.setup.config)
        # What is in memory now is shared by all children as long as nobody touches it.
        gc.collect()
        gc.freeze()
        try:
            self._man()
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
            again = self._table.is_leaving or self._stop_by is not None
            self._table.leave()
            _log.info("stopping", signal=number.name, again=again)
            self._wants_reload = False
            delay = self._line.serving.setup.config.limits.stop_delay
            if delay and not again:
                self._leave_at = time.monotonic() + delay
            else:
                self._stop(hurry=again)
        elif number == signal.SIGHUP and not self._table.is_leaving:
            if not self._line.is_settled:
                _log.info("reload follows when the one under way is done")
            self._wants_reload = True

    def _stop(self, *, hurry: bool = False) -> None:
        self._leave_at = None
        grace = 0.0 if hurry else self._line.serving.setup.config.limits.stop_grace
        self._stop_by = time.monotonic() + grace + STOP_MARGIN_SECONDS
        for generation in self._line.all():
            generation.setup.close()
            generation.man_no_more()
            # The health page stays up to say "draining" until the last worker has gone.
            generation.send(signal.SIGUSR2 if hurry else signal.SIGTERM, to="worker")

    # -- the loop's steps ------------------------------------------------------------

    def _tend(self) -> None:
        self._reap()
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self._stop()
        if self._stop_by is not None:
            self._see_to_the_end(self._stop_by)
            return
        was_ready = self._line.ready
        self._line.settle()
        if self._line.ready and not was_ready:
            self._on_ready()
        if self._wants_reload and self._line.ready and self._line.is_settled:
            self._wants_reload = False
            self._reload()
        self._man()
        self._stalls.look(self._line.everybody())

    def _until_next(self) -> float:
        """Seconds until something is due."""
        now = time.monotonic()
        times = [now + _LOOK_ROUND_SECONDS]
        times += [post.due for post in self._line.serving.posts if post.due is not None]
        times += [due for due in (self._leave_at, self._stop_by) if due is not None]
        return min(times) - now

    def _is_over(self) -> bool:
        return self._stop_by is not None and not any(self._line.everybody())

    def _see_to_the_end(self, deadline: float) -> None:
        roles = {post.role for post, _ in self._line.everybody()}
        late = time.monotonic() >= deadline
        for post, child in self._line.everybody():
            if late:
                _log.error("killed: it did not end in time", role=post.role, pid=child.pid)
                child.send(signal.SIGKILL)
            elif "worker" not in roles and not self._told_monitors:
                child.send(signal.SIGTERM)
        self._told_monitors = "worker" not in roles
        if late:
            self._stop_by = time.monotonic() + STOP_MARGIN_SECONDS

    # -- children --------------------------------------------------------------------

    def _man(self) -> None:
        for generation in self._line.to_man():
            if not self._recruiter.man(generation):
                # Only while hundreds of old generations drain: they are told to be quick.
                for old in self._line.retired:
                    old.send(signal.SIGTERM)

    def _reap(self) -> None:
        for generation in self._line.all():
            for post, child in list(generation.children):
                status = child.reap()
                if status is not None:
                    self._table.wipe(child.column)
                    self._stalls.forget(child)
                    self._bury(generation, post, child, status)
        self._line.bury()

    def _bury(self, generation: Generation, post: Post, child: Child, status: int) -> None:
        """Decide what a child's end means."""
        how = describe(status)
        expected = self._stop_by is not None or generation in self._line.retired
        if expected:
            post.child = None
            if status:
                _log.error("ended badly", role=post.role, pid=child.pid, **how)
        elif generation is self._line.coming:
            post.child = None
            self._line.abandon(f"its {post.role} {post.number} ended ({how})")
        elif not self._line.ready:
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

    # -- reload ----------------------------------------------------------------------

    def _reload(self) -> None:
        old = self._line.serving.setup
        try:
            config = self._reread(old.config)
            setup = prepare(config, old)
        except ConfigError as error:
            for fault in error.faults:
                _log.error("reload refused; the old configuration goes on", fault=str(fault))
            return
        _warn(config)
        if setup.user != old.user:
            self._recruiter.serve_as_other_user(setup)
        self._line.begin(setup)

    def _close(self) -> None:
        for generation in self._line.all():
            generation.setup.close()
        self._recruiter.close()


def _warn(config: Config) -> None:
    for warning in config.warnings:
        _log.warning("configuration", warning=str(warning))
    warn_if_few(config)
