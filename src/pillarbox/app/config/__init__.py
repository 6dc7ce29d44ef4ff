"""The configuration file: settings of the server, and of the accounts that ``fetch`` collects.

Sources, the strongest first::

    --set section.key=value  >  PILLARBOX_SECTION__KEY  >  the TOML file  >  defaults

One file serves both; each reads its own sections and leaves the other's alone. What both need:

``sections``   whose is which section
``sources``    file, environment, ``--set``: who said what, and where
``strangers``  the file that root comes upon: whose is it?
``positions``  which line of the file
``wording``    values and near misses, for sentences
``faults``     ``FILE:LINE: section.key: what is wrong; hint``

The server's half is one frozen :class:`Config`, whole and checked, or all faults (the
accounts are read by :mod:`pillarbox.app.collecting`):

``settings``   the Structs: every key, type and default
``loading``    from all sources to the whole
``reading``    one value: known? of the right type? in range?
``later``      settings of capabilities that are not built yet
``checks``     rules between settings (``oauth_checks``: those of ``[auth.oauth]``)
``addresses``  listen addresses
``key_place``  a file or a URL

What is named below is loaded when it is first used: collecting mail needs none of the
server's half, which takes longer to import than a poll takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pillarbox.app.config.faults import ConfigError, Fault

if TYPE_CHECKING:
    from pillarbox.app.config.addresses import Address, TcpAddress, UnixAddress, parse_address
    from pillarbox.app.config.loading import load, reload
    from pillarbox.app.config.settings import Config

__all__ = [
    "Address",
    "Config",
    "ConfigError",
    "Fault",
    "TcpAddress",
    "UnixAddress",
    "load",
    "parse_address",
    "reload",
]

_LAZY = {
    "Address": "addresses",
    "Config": "settings",
    "TcpAddress": "addresses",
    "UnixAddress": "addresses",
    "load": "loading",
    "parse_address": "addresses",
    "reload": "loading",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- see above

    found = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = found
    return found
