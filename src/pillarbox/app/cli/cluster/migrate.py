"""``pillarbox cluster migrate``: the tables, made or brought up to date."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import typer

from pillarbox.app.cli.cluster.which import cluster_configuration
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_json


def migrate(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Make the tables in the database, or bring them up to date.

    What is done already is left alone, so it can be given again at any time, and by several
    machines at once. Servers do not start before it has been given, and those of an older
    Pillarbox not after a newer one has. Warns of a database whose locale is not C.
    """
    config = cluster_configuration(context)
    from pillarbox.app.cluster_care import migrate_tables  # noqa: PLC0415 -- needs an extra

    done = asyncio.run(migrate_tables(config))
    if done.warning is not None:
        typer.echo(f"warning: {done.warning}", err=True)
    if as_json:
        show_json(asdict(done))
        return
    for step in done.applied:
        typer.echo(f"applied {step}")
    typer.echo("the tables are up to date" if done.applied else "the tables were up to date")
