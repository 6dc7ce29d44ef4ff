"""Passwords of services, each in the first line of a file of its own."""

from __future__ import annotations

from pathlib import Path

from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config

MAX_SECRET_OCTETS = 4096
"""A password of a service; keeps a wrong path from being read whole."""


def secret_in(config: Config, setting: str, path: Path | None) -> str | None:
    """The first line of the file that *setting* names; None: it names none.

    Raises:
        ConfigError: it cannot be read, or holds none.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            line = file.read(MAX_SECRET_OCTETS + 1).partition(b"\n")[0].removesuffix(b"\r")
        secret = line.decode()
    except UnicodeDecodeError:
        raise _fault(config, setting, f"{path} is not UTF-8") from None
    except OSError as error:
        problem = f"{path} cannot be read by this process: {error.strerror}"
        raise _fault(config, setting, problem, "let the user of the server read it") from None
    if not secret or len(line) > MAX_SECRET_OCTETS:
        raise _fault(config, setting, f"{path} has no password in its first line")
    return secret


def _fault(config: Config, setting: str, problem: str, hint: str = "") -> ConfigError:
    return ConfigError([Fault(str(config.file or ""), setting, problem, hint)])
