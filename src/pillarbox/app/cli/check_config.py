"""``pillarbox check-config``: would the server start with this?"""

from __future__ import annotations

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.storage import not_a_folder
from pillarbox.app.config import Config, ConfigError, Fault
from pillarbox.app.config.certificate import with_certificate_warnings
from pillarbox.app.privileges import user_to_become
from pillarbox.app.sockets import check_names
from pillarbox.app.texts import counted
from pillarbox.app.tls_contexts import tls_contexts
from pillarbox.app.wire_up_oauth import token_checker


def check_config(context: typer.Context) -> None:
    """Check the configuration and show its faults.

    Reads what `serve` would read, certificate, key and other files included, looks up the names to
    listen on, and opens nothing else. Account sources are not asked.
    Faults end it with 2; warnings do not.
    """
    config = with_certificate_warnings(configuration(context, serving=True))
    faults = _beyond_the_file(config)
    for warning in config.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if faults:
        raise ConfigError(faults)
    source = str(config.file) if config.file else "the built-in defaults (there is no file)"
    warned = f", with {counted(len(config.warnings), 'warning')}" if config.warnings else ""
    typer.echo(f"fine{warned}: {source}")


def _beyond_the_file(config: Config) -> list[Fault]:
    """What only this machine can tell: files, folders, names, the user to become."""
    faults: list[Fault] = []
    looks = (
        tls_contexts,
        user_to_become,
        token_checker,
        check_names,
        _check_store_path,
        _check_shared_store,
    )
    for look in looks:
        try:
            look(config)
        except ConfigError as error:
            faults += error.faults
    return faults


def _check_store_path(config: Config) -> None:
    """One that is not there yet is fine: the first account makes it.

    Raises:
        ConfigError: something that is not a folder stands there, or above it.
    """
    if found := not_a_folder(config.store.path):
        hint = "name the folder of mail and accounts"
        place = str(config.file or "")
        raise ConfigError([Fault(place, "store.path", f"{found} is not a folder", hint)])


def _check_shared_store(config: Config) -> None:
    """What a node of a cluster needs to know; nothing is asked over a network.

    Raises:
        ConfigError: a file with a password cannot be read.
    """
    if config.store.is_shared:
        from pillarbox.app.wire_up_cluster import cluster_settings  # noqa: PLC0415 -- an extra

        cluster_settings(config)
