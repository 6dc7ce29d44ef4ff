"""The succession of generations: which one serves, which is to follow, which are leaving."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import structlog

from pillarbox.app.supervisor_children import Child, Post
from pillarbox.app.supervisor_generation import Generation
from pillarbox.app.supervisor_setup import Setup

_log = structlog.get_logger("pillarbox.supervisor")

# A generation that is not ready by then is not going to be; and one that still accepts so
# long after it was told not to must not keep the next reload from beginning.
RELOAD_PATIENCE_SECONDS = 120.0


class Succession:
    """All generations that have processes. Every change is logged here."""

    def __init__(self, setup: Setup) -> None:
        self.serving = Generation(1, setup)
        self.coming: Generation | None = None
        """On its way up after a reload."""
        self.retired: list[Generation] = []
        """Told to end; as long as any of their processes lives."""
        self.ready = False
        """Whether any generation has ever been ready."""
        self._leaving: Generation | None = None
        """The generation before, as long as it may still accept somebody."""
        self._newest = 1

    @property
    def is_settled(self) -> bool:
        """Whether no reload is under way."""
        return self.coming is None and self._leaving is None

    def all(self) -> list[Generation]:
        return [*self.to_man(), *self.retired]

    def to_man(self) -> list[Generation]:
        """The generations whose processes are replaced when they die."""
        return [self.serving, self.coming] if self.coming else [self.serving]

    def everybody(self) -> Iterator[tuple[Post, Child]]:
        return (pair for generation in self.all() for pair in generation.children)

    def begin(self, setup: Setup) -> None:
        """Have a generation with *setup* come up; the old one serves meanwhile."""
        self._newest += 1
        _log.info("reloading", generation=self._newest)
        self.coming = Generation(self._newest, setup)

    def settle(self) -> None:
        """Take note of generations that have become ready, or never will."""
        if not self.ready and self.serving.is_ready():
            self.ready = True
            _log.info("ready", **self.serving.addresses)
        self._see_off()
        coming = self.coming
        if coming is None:
            return
        if coming.is_ready():
            self._take_over(coming)
        elif time.monotonic() - coming.born > RELOAD_PATIENCE_SECONDS:
            self.abandon(f"not ready after {RELOAD_PATIENCE_SECONDS:.0f} seconds")

    def abandon(self, why: str) -> None:
        """Give up the generation that was coming up."""
        new, self.coming = self.coming, None
        if new is None:
            return
        _log.error("reload failed; the old configuration goes on", why=why)
        self.retired.append(new)
        new.send(signal.SIGTERM)
        new.setup.close(keep=self.serving.setup)

    def bury(self) -> None:
        """Forget retired generations that have ended."""
        self.retired = [generation for generation in self.retired if any(generation.children)]

    def _take_over(self, new: Generation) -> None:
        """*new* accepts: from here on it is the one that serves."""
        old = self.serving
        self.serving, self.coming = new, None
        self.retired.append(old)
        old.retired_at = time.monotonic()
        old.man_no_more()
        old.send(signal.SIGUSR1)
        old.setup.close(keep=new.setup)
        self._leaving = old

    def _see_off(self) -> None:
        """Say that the reload is complete, once nobody meets the old configuration any more."""
        old = self._leaving
        if old is None or old.retired_at is None:
            return
        late = time.monotonic() - old.retired_at > RELOAD_PATIENCE_SECONDS
        if not old.has_closed():
            if not late:
                return
            pids = [child.pid for _, child in old.children]
            _log.error("processes of before the reload still accept; going on", pids=pids)
        self._leaving = None
        serving = self.serving
        _log.info("ready", generation=serving.number, reloaded=True, **serving.addresses)
