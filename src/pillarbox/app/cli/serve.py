"""``pillarbox serve``: the server, in the foreground."""

from __future__ import annotations

import os

import structlog
import typer

from pillarbox.app import logs
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.config import Config, reload
from pillarbox.app.config.certificate import with_certificate_warnings
from pillarbox.app.supervisor import Supervisor
from pillarbox.app.supervisor_setup import prepare

_log = structlog.get_logger("pillarbox.serve")


def serve(context: typer.Context) -> None:
    """Run the server in the foreground.

    Logs go to stderr; a line with the word "ready" says that all doors are open.
    SIGTERM or Ctrl-C ends it gracefully (twice: at once); SIGHUP reads configuration,
    certificate and accounts again without closing a door.
    """
    raise typer.Exit(run_server(with_certificate_warnings(configuration(context, serving=True))))


def run_server(config: Config) -> int:
    """Serve *config* until told to stop; returns the exit code.

    Raises:
        ConfigError: what the configuration asks for cannot be had.
    """
    logs.configure(config.server.log_format, config.server.log_level)
    if os.geteuid() == 0 and config.server.user == "root":
        _log.warning("serving mail as root, because server.user says so")
    return Supervisor(prepare(config), _reread).run()


def _reread(config: Config) -> Config:
    fresh = reload(config)
    logs.configure(fresh.server.log_format, fresh.server.log_level)
    return with_certificate_warnings(fresh)
