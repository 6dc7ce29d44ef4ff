"""The post office that users come from: what is there, as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pillarbox.app.config import Config, load
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.wire_up import Engine, look_at_store

SUFFIX = ".toml"


def is_office(source: str) -> bool:
    """Whether what is to be imported is a post office: it is named by its configuration."""
    return source.endswith(SUFFIX)


def configured(source: str, here: Config) -> Config:
    """The configuration of the other post office: of its file alone. The environment, and what was said by
    ``--set``, are about this one.

    Raises:
        ConfigError: with every fault.
        CommandFailed: it is this one.
    """
    there = load(Path(source), (), {})
    if _place(there) == _place(here):
        raise CommandFailed(
            f"{source} is the configuration of this very post office: name the one of another",
            ExitCode.USAGE,
        )
    return there


@asynccontextmanager
async def store_of(config: Config) -> AsyncIterator[Engine]:
    """Its mail, which has to be there."""
    store = await look_at_store(config, must_exist=True)
    try:
        yield store
    finally:
        await store.close()


def _place(config: Config) -> str:
    store = config.store
    return str(store.database) if store.is_shared else str(store.path.absolute().resolve())
