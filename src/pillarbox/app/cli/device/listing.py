"""``pillarbox device list USER``: the devices of an account."""

from __future__ import annotations

import asyncio
import time

import typer

from pillarbox.app.absence import Absence, Phase, absence_of
from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.known import must_be_known
from pillarbox.app.cli.moments import moment, span
from pillarbox.app.cli.options import AsJson, User
from pillarbox.app.cli.output import show_columns, show_json
from pillarbox.app.cli.storage import accounts_of, store_of
from pillarbox.app.config import Config
from pillarbox.app.devices import Device, devices_of
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.names import normalise
from pillarbox.model import DEFAULT_VIEW


def list_devices(context: typer.Context, user: User, *, as_json: AsJson = False) -> None:
    """Show the devices of an account.

    Also `default`, what the account's own password opens. Messages are those that wait to be
    collected by the device; HOLDS says whether they stay here until it has deleted them.
    """
    config = configuration(context)
    user = normalise(user)
    with accounts_of(config) as accounts:
        devices = asyncio.run(_look(config, accounts, user))
    now = time.time()
    absences = [_absence(config, device, now) for device in devices]
    notes = [
        _notes(user, device, absence) for device, absence in zip(devices, absences, strict=True)
    ]
    if as_json:
        show_json(
            [
                _as_json(device, absence, found, now)
                for device, absence, found in zip(devices, absences, notes, strict=True)
            ]
        )
        return
    show_columns(
        ("DEVICE", "MADE", "LAST SEEN", "MESSAGES", "OCTETS", "HOLDS"),
        [_row(device) for device in devices],
    )
    for device, found in zip(devices, notes, strict=True):
        for note in found:
            typer.echo(f"\n{device.name}: {note}")


async def _look(config: Config, accounts: Accounts, user: str) -> list[Device]:
    async with store_of(config, look=True) as store:
        status, devices = await devices_of(store, accounts, user)
    if not status.count and len(devices) == 1:
        await must_be_known(config, accounts, user)
    return devices


def _row(device: Device) -> tuple[object, ...]:
    view = device.view
    made = moment(device.created_at) or "-"
    if view is None:
        return (device.name, made, "-", "-", "-", "-")
    seen = moment(view.seen_at) or "never"
    return (device.name, made, seen, view.count, view.octets, "yes" if view.holds else "no")


def _absence(config: Config, device: Device, now: float) -> Absence:
    if device.view is None:
        return Absence(Phase.PRESENT)
    return absence_of(device.view, config.retention, now)


def _notes(user: str, device: Device, absence: Absence) -> list[str]:
    """What somebody may want to do something about."""
    found = []
    if not device.has_password:
        found.append(
            f"has no app password: `pillarbox device add {user} {device.name}` gives it one, "
            f"`pillarbox device remove {user} {device.name}` takes it away"
        )
    if device.view is None and device.name != DEFAULT_VIEW:
        found.append(
            "has an app password, but no view to open: "
            f"`pillarbox device add {user} {device.name}` makes it"
        )
    if absence.phase is Phase.SOON:
        found.append(
            f"does not come; in {span(absence.seconds_left)} mail will no longer wait for it "
            "(retention.unread_by_device_days)"
        )
    elif absence.phase is Phase.ABSENT:
        found.append(
            "has been gone for too long; mail does not wait for it until it comes again "
            "(retention.unread_by_device_days)"
        )
    return found


def _as_json(device: Device, absence: Absence, notes: list[str], now: float) -> dict[str, object]:
    view = device.view
    soon = absence.phase is Phase.SOON
    return {
        "device": device.name,
        "created_at": moment(device.created_at),
        "seen_at": moment(view.seen_at) if view else None,
        "messages": view.count if view else None,
        "octets": view.octets if view else None,
        "holds": view.holds if view else False,
        "locked": view.locked if view else False,
        "has_password": device.has_password,
        "has_view": view is not None,
        "state": absence.phase.value,
        "absent_at": moment(now + absence.seconds_left) if soon else None,
        "warnings": notes,
    }
