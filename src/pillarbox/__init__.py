"""Pillarbox: a post office box in software.

A POP3 server that people can trust with their mail. ``ARCHITECTURE.md`` at the
root of the repository draws the house; the floors, from the ground up:

``wire``, ``sasl``, ``model``
    POP3 and SASL as pure functions and state machines.
``contracts``
    What the rest needs from a store, an account directory, a meter.
``store``, ``auth``
    Engines that keep mail; accounts and passwords.
``server``, ``delivery``
    Mail going out over POP3; mail coming in over LMTP and SMTP.
``client``
    Mail being collected from any POP3 server: :func:`connect`, :mod:`pillarbox.sync`,
    :func:`discover`. Loaded when first used, so that importing this costs nothing.
``fetch``
    Collecting mail: nothing lost, nothing twice.
``reader``
    Mail in the browser, from one's own disk, offline.
``app``
    Configuration, wiring, the supervisor and the commands.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False  # as in typing, whose import would cost more than all the rest here
if TYPE_CHECKING:
    from typing import Any

    from pillarbox.client import sync
    from pillarbox.client.aio import connect
    from pillarbox.client.discovery import discover

__all__ = ["__version__", "connect", "discover", "sync"]

_LAZY = {
    # name here, where it is, and its name there ("" is the module itself)
    "connect": ("pillarbox.client.aio", "connect"),
    "discover": ("pillarbox.client.discovery", "discover"),
    "sync": ("pillarbox.client.sync", ""),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- most who import this want neither

    where, there = _LAZY[name]
    module = import_module(where)
    found = getattr(module, there) if there else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
