"""A generation: the processes of one setup, forked from one configuration."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from pillarbox.app.shared import State
from pillarbox.app.supervisor_children import Child, Post
from pillarbox.app.supervisor_setup import Setup


@dataclass(eq=False)
class Generation:
    """The processes of one setup: all workers, and the health page's."""

    number: int
    setup: Setup
    posts: list[Post] = field(init=False)
    born: float = field(default_factory=time.monotonic)
    retired_at: float | None = None
    """When another has taken over."""

    def __post_init__(self) -> None:
        self.posts = [Post(role, number) for role, number in self.setup.roles]

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

    def man_no_more(self) -> None:
        """Who dies from now on is not replaced."""
        for post in self.posts:
            post.due = None

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses really bound, by door, as fields of the ``ready`` line."""
        doors: dict[str, list[str]] = {}
        for listener in self.setup.listeners:
            doors.setdefault(listener.door, []).append(listener.name)
        return {door: ",".join(names) for door, names in doors.items()}
