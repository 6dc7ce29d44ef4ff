"""Everything a generation of workers needs, made ready before the first is forked.

A setup is made whole or not at all: on a reload with a fault in it, nothing has changed
and the running generation goes on. The TLS contexts are made here, once for all workers,
so that they share their session ticket keys and a client resumes on whichever worker it
meets; and here the process is still root, if it is ever, and may read the key.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pillarbox.app import privileges
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.app.privileges import SystemUser
from pillarbox.app.sockets import Listener, close_listeners, open_listeners
from pillarbox.app.tls_contexts import tls_contexts
from pillarbox.app.wire_up_oauth import token_checker

if TYPE_CHECKING:  # what it imports is in an extra
    from pillarbox.auth.oauth.checker import OAuthChecker

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Setup:
    """What all processes of one generation share."""

    config: Config
    user: SystemUser | None
    """Whom workers become; None: they stay who they are."""
    pop3_tls: ssl.SSLContext | None
    smtp_tls: ssl.SSLContext | None
    listeners: tuple[Listener, ...]
    token_checker: OAuthChecker | None = None
    """Each process has its own copy; None: no tokens are taken."""

    def close(self, keep: Setup | None = None) -> None:
        """Close the listeners, except those that *keep* has, too."""
        close_listeners(self.listeners, keep.listeners if keep else ())

    @property
    def roles(self) -> list[tuple[str, int]]:
        """The processes to fork: ``(role, number)``."""
        workers = [("worker", number) for number in range(self.config.server.workers)]
        return [*workers, ("monitor", 0)] if self.config.listen.http else workers


def prepare(config: Config, before: Setup | None = None) -> Setup:
    """Make everything ready for *config*, taking over the sockets of *before*.

    Raises:
        ConfigError: with every fault found; *before* is as it was.
    """
    faults: list[Fault] = []
    user = _try(faults, lambda: privileges.user_to_become(config))
    if not faults:
        _try(faults, lambda: privileges.prepare_store(config, user))
    contexts = _try(faults, lambda: tls_contexts(config))
    tokens = _try(faults, lambda: token_checker(config))
    listeners = _try(
        faults,
        lambda: open_listeners(config, config.server.workers, before.listeners if before else ()),
    )
    if faults or contexts is None or listeners is None:
        close_listeners(listeners or (), before.listeners if before else ())
        raise ConfigError(faults)
    return Setup(config, user, *contexts, listeners, tokens)


def _try(faults: list[Fault], make: Callable[[], _Made]) -> _Made | None:
    """What *make* makes; on failure its faults are kept, to be shown with all others."""
    try:
        return make()
    except ConfigError as error:
        faults.extend(error.faults)
        return None
