"""``pillarbox cluster status``: do the parts answer, and who has maildrops open?"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from pillarbox.app.cli.cluster.which import cluster_configuration
from pillarbox.app.cli.exits import ExitCode
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_columns, show_json
from pillarbox.app.texts import counted, printable

if TYPE_CHECKING:  # what it imports is in an extra
    from pillarbox.app.cluster_care import Status


def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show whether its parts answer, and which processes have maildrops open.

    Ends with 1 when the database or the object store does not answer, or the tables are not up
    to date. A process is shown once it has had a maildrop open; one that died without a word is
    shown as dead for a day.
    """
    config = cluster_configuration(context)
    from pillarbox.app.cluster_care import look_at_cluster  # noqa: PLC0415 -- needs an extra

    found = asyncio.run(look_at_cluster(config))
    if as_json:
        show_json(asdict(found))
    else:
        _show(found)
    if not found.is_well:
        raise typer.Exit(ExitCode.PARTIAL)


def _show(found: Status) -> None:
    for part in (found.database, found.objects):
        if part is not None:
            typer.echo(printable(f"{part.name}: {part.problem or 'answers'}"))
    if found.database.problem is not None:
        return
    typer.echo(f"{counted(found.objects_to_remove, 'object')} to be removed")
    if found.processes:
        typer.echo("")
        show_columns(
            ("NODE", "PROCESS", "STATE"),
            [
                (process.node, process.process, "alive" if process.alive else "dead")
                for process in found.processes
            ],
        )
