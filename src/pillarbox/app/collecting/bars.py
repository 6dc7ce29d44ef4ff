"""What happens, as bars on a terminal: one for each account that has mail to come.

rich is imported when there is something to show. Its thread that redraws lives no longer than
that, so that ``--watch`` sleeps while nothing happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pillarbox.app.collecting.listening import Listener
from pillarbox.app.collecting.voice import Voice
from pillarbox.fetch.account import Account
from pillarbox.fetch.events import Event, Planned, Retrieved
from pillarbox.fetch.run import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars(Listener):
    """Listens; see the module."""

    def __init__(self, voice: Voice, *, always: bool) -> None:
        """*always*: draw them even where there is no terminal."""
        self._voice = voice
        self._always = always
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def tell(self, account: Account, event: Event) -> None:
        if isinstance(event, Planned) and (event.plan.retrieve or event.plan.verify):
            wanted = (*event.plan.retrieve, *event.plan.verify)
            octets = sum(decision.message.octets or 0 for decision in wanted)
            self._begin(account.name, octets or None)
        elif isinstance(event, Retrieved) and self._progress and account.name in self._tasks:
            self._progress.advance(self._tasks[account.name], event.octets)

    def _begin(self, name: str, octets: int | None) -> None:
        progress = self._shown()
        if name in self._tasks:  # another session of the same run
            progress.remove_task(self._tasks[name])
        self._tasks[name] = progress.add_task(name, total=octets)

    def _shown(self) -> Progress:
        if self._progress is None:
            self._progress = make_progress(always=self._always)
            self._voice.above = _above(self._progress)
            self._progress.start()
        return self._progress

    def ended(self, account: Account, _outcome: Outcome) -> None:
        task = self._tasks.pop(account.name, None)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
            if not self._tasks:
                self.close()

    def close(self) -> None:
        if self._progress is not None:
            self._voice.above = None
            self._progress.stop()
            self._progress = None
            self._tasks.clear()


def make_progress(*, always: bool) -> Progress:
    """Rich's bars on stderr; they go when they are done."""
    from rich import progress as rich  # noqa: PLC0415 -- costs more than a poll
    from rich.console import Console  # noqa: PLC0415 -- the same
    from rich.text import Text  # noqa: PLC0415 -- the same

    class Name(rich.ProgressColumn):
        """The account's, as it is: no markup in it counts."""

        def render(self, task: Any) -> Text:
            return Text(task.description)

    return rich.Progress(
        Name(),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
        console=Console(stderr=True, force_terminal=True if always else None),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _above(progress: Progress) -> Any:
    return lambda line: progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
