"""``pillarbox cluster``: the database and the object store that several machines share."""

from __future__ import annotations

from typing import ClassVar

import typer

from pillarbox.app.cli.lazy import Entry, LazyGroup

_HERE = "pillarbox.app.cli.cluster"


class ClusterGroup(LazyGroup):
    """What can be done with a cluster as a whole."""

    table: ClassVar[dict[str, Entry]] = {
        "adopt": Entry(
            f"{_HERE}.adopt:adopt", "Say that the bodies in the object store are this database's."
        ),
        "migrate": Entry(
            f"{_HERE}.migrate:migrate", "Make the tables in the database, or bring them up to date."
        ),
        "status": Entry(
            f"{_HERE}.status:status",
            "Show whether its parts answer, and which processes have maildrops open.",
        ),
    }


app = typer.Typer(cls=ClusterGroup, no_args_is_help=True, add_completion=False)


@app.callback()
def cluster() -> None:
    """Make the tables of a cluster, and look at its parts."""
