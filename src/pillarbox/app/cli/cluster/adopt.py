"""``pillarbox cluster adopt``: the bodies in the object store are this database's."""

from __future__ import annotations

import asyncio

import typer

from pillarbox.app.cli.cluster.which import cluster_configuration


def adopt(context: typer.Context) -> None:
    """Say that the bodies in the object store are this database's, and nobody else's.

    For after a restore, or when bodies have been brought to another bucket or prefix. Whoever used the place
    before (the database that this one is a copy of, say) removes nothing there any more.
    """
    config = cluster_configuration(context)
    from pillarbox.app.cluster_care import adopt_objects  # noqa: PLC0415 -- needs an extra

    typer.echo(f"{asyncio.run(adopt_objects(config))} belongs to this cluster")
