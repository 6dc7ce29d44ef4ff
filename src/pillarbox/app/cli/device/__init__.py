"""``pillarbox device``: phones, laptops, tablets, each with its own password and view."""

from __future__ import annotations

from typing import ClassVar

import typer

from pillarbox.app.cli.lazy import Entry, LazyGroup

_HERE = "pillarbox.app.cli.device"


class DeviceGroup(LazyGroup):
    """What can be done with devices."""

    table: ClassVar[dict[str, Entry]] = {
        "add": Entry(f"{_HERE}.add:add", "Give an account another device."),
        "list": Entry(f"{_HERE}.listing:list_devices", "Show the devices of an account."),
        "remove": Entry(f"{_HERE}.remove:remove", "Take a device away from an account."),
    }


app = typer.Typer(cls=DeviceGroup, no_args_is_help=True, add_completion=False)


@app.callback()
def device() -> None:
    """Add, list and remove the devices of an account.

    Each device has an app password and a view of its own: it gets every message, whatever the
    others have deleted.
    """
