"""Which cluster: what the commands of this group begin with."""

from __future__ import annotations

import typer

from pillarbox.app import logs
from pillarbox.app.cli.exits import CommandFailed, ExitCode
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.config import Config


def cluster_configuration(context: typer.Context) -> Config:
    """The configuration, of a cluster.

    Raises:
        ConfigError: it has faults; one is that the libraries for it are not installed.
        CommandFailed: it is not a cluster's.
    """
    config = configuration(context)
    logs.configure(level="warning")
    if not config.store.is_shared:
        raise CommandFailed(
            f'store.engine is "{config.store.engine}", which shares nothing: write engine = '
            '"cluster" under [store], or name another configuration with --config',
            ExitCode.USAGE,
        )
    return config
