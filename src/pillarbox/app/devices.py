"""A device: an app password, and a view of the maildrop, both of one name.

The password is the accounts', the view the store's, and no transaction spans the two. So the
order matters: a view is made before its password and taken away after it. Whatever breaks a
command off, nobody ever signs in to a view that is not there, and what is left half done shows
in ``device list`` and is finished by the same command, given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.texts import counted
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.app_passwords import AppPassword
from pillarbox.auth.errors import DeviceExists, NoSuchDevice
from pillarbox.contracts.errors import NoSuchView
from pillarbox.contracts.store import MaildropStatus, StoreAdmin, ViewStatus, Waiting
from pillarbox.model import DEFAULT_VIEW


class Added(NamedTuple):
    """What :func:`add_device` has done."""

    password: AppPassword | None
    """The new app password; None: it had one, and lacked only its view."""
    found: ViewStatus | None
    """The view, if it was there already, from an ``add`` that was broken off."""


class Device(NamedTuple):
    """A device, or the view of the account's own password."""

    name: str
    view: ViewStatus | None
    """None: there is an app password, but no view that it could open."""
    has_password: bool
    """Of ``default``: True."""
    created_at: float | None
    """Seconds since 1970, UTC; None: from before that was noted."""


async def add_device(
    store: StoreAdmin, accounts: Accounts, user: str, device: str, *, from_now_on: bool = False
) -> Added:
    """Give *user* a device; whether there is such a user has been asked before.

    Args:
        store: where the view goes.
        accounts: where the app password goes.
        user: normalised.
        device: normalised.
        from_now_on: list only what is delivered from now on; else all that is there.

    Raises:
        DeviceExists: there is one, complete.
        CommandFailed: mail waits for a view of that name, and was not asked for.
        StoreUnavailable, AccountsUnavailable: what was done by then is completed when it is
            tried again.
    """
    view = _view_of(await store.status(user), device)
    known = any(record.device == device for record in accounts.devices(user))
    if known and view is not None:
        raise DeviceExists(
            f"{user} already has a device {device!r}: `pillarbox device list {user}` shows all"
        )
    if view is not None and from_now_on and view.count:
        raise CommandFailed(
            f"there is a view {device!r} of {user} without an app password, and "
            f"{counted(view.count, 'message')} in it: leave out --from-now-on to give the device "
            f"these, or `pillarbox device remove {user} {device}` first",
            ExitCode.USAGE,
        )
    if view is None:
        await store.add_view(user, device, from_now_on=from_now_on)
    return Added(None if known else accounts.add_device(user, device), view)


async def devices_of(
    store: StoreAdmin, accounts: Accounts, user: str
) -> tuple[MaildropStatus, list[Device]]:
    """The maildrop of *user* (normalised), and its views and devices: ``default``, then by name."""
    status = await store.status(user)
    views = {view.name: view for view in status.views}
    passwords = {record.device: record for record in accounts.devices(user)}
    names = sorted((views.keys() | passwords.keys()) - {DEFAULT_VIEW})
    found = [Device(DEFAULT_VIEW, views.get(DEFAULT_VIEW), True, _made(views.get(DEFAULT_VIEW)))]
    for name in names:
        record = passwords.get(name)
        made = _made(views.get(name)) if record is None else float(record.created_at)
        found.append(Device(name, views.get(name), record is not None, made))
    return status, found


def only_for(waiting: Sequence[Waiting], view: str) -> list[Waiting]:
    """The messages that nobody but *view* holds back.

    When it does so no longer, those of them go that another view has deleted, one that is gone
    included.
    """
    return [message for message in waiting if message.held_by == (view,)]


async def remove_device(store: StoreAdmin, accounts: Accounts, user: str, device: str) -> None:
    """Take a device of *user* away, or what is left of it; both names normalised.

    ``default`` has nothing to lose but its hold on the mail.

    Raises:
        NoSuchDevice: there is neither an app password nor a view.
        StoreUnavailable, AccountsUnavailable: as for :func:`add_device`.
    """
    missing = None
    if device != DEFAULT_VIEW:
        try:
            accounts.remove_device(user, device)
        except NoSuchDevice as error:
            missing = error
    try:
        await store.remove_view(user, device)
    except NoSuchView:
        if missing is not None:
            raise missing from None


def _view_of(status: MaildropStatus, name: str) -> ViewStatus | None:
    return next((view for view in status.views if view.name == name), None)


def _made(view: ViewStatus | None) -> float | None:
    return view.created_at if view is not None else None
