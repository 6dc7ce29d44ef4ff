"""Giving up root.

Root is for binding ports below 1024 and for reading the private key. Whoever meets mail,
passwords or the network does so as ``server.user``: workers and the health page drop to
it for good before they accept anything, and commands that root runs on the store do the
same, so that no file there ever belongs to root.

Started by anybody else, everything stays as it is and ``server.user`` has no effect.
``server.user = "root"`` serves as root: accepted because it was written down, and warned
about.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.app.safe_folder import StrangersLink, open_folder

STORE_MODE = 0o700
# Files of the store are nobody else's business.
UMASK = 0o077


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom to become."""

    name: str
    uid: int
    gid: int
    home: str = "/"


def user_to_become(config: Config) -> SystemUser | None:
    """The user that ``server.user`` names; None when there is nothing to give up.

    Raises:
        ConfigError: this machine has no such user.
    """
    if os.geteuid() != 0:
        return None
    name = config.server.user
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ConfigError([_no_such_user(config)]) from None
    return SystemUser(name, entry.pw_uid, entry.pw_gid, entry.pw_dir) if entry.pw_uid else None


def become(user: SystemUser | None) -> None:
    """Be *user* from here on, with no way back; None: only the umask changes.

    Raises:
        PermissionError: root could be regained (the system is not to be trusted).
    """
    os.umask(UMASK)
    if user is None:
        return
    os.initgroups(user.name, user.gid)
    os.setgid(user.gid)
    os.setuid(user.uid)
    # Libraries look for files there, and stumble over a folder that only root may enter.
    os.environ |= {"HOME": user.home, "USER": user.name, "LOGNAME": user.name}
    try:
        os.setuid(0)
    except PermissionError:
        return
    raise PermissionError("root could be regained after becoming another user")


@contextlib.contextmanager
def acting_as(user: SystemUser | None) -> Iterator[None]:
    """Have the rights of *user* for a while, and not root's; None: nothing changes.

    For what root does in folders that *user* may write: there a name can turn into a link
    to anything between two calls, and with these rights that gains nobody anything.
    """
    if user is None:
        yield
        return
    uid, gid, groups = os.geteuid(), os.getegid(), os.getgroups()
    os.initgroups(user.name, user.gid)
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)


def prepare_store(config: Config, user: SystemUser | None) -> None:
    """See to it that *user* has the store's folder: make it, or check whose it is.

    An empty folder of root's (a fresh volume, or what was made just now) is handed over; a
    full one is not. As root, only links that are root's, in folders of root's, are followed.

    Raises:
        ConfigError: it cannot be made, or is not the user's to write.
    """
    path = config.store.path
    try:
        if user is None:
            path.mkdir(mode=STORE_MODE, parents=True, exist_ok=True)
            return
        folder = open_folder(path, STORE_MODE)
        try:
            _give(config, folder, user)
        finally:
            os.close(folder)
    except StrangersLink as error:
        raise ConfigError([_strangers_link(config, error)]) from error
    except OSError as error:
        raise ConfigError([_no_folder(config, error)]) from error


def _give(config: Config, folder: int, user: SystemUser) -> None:
    """Hand the folder over to *user*, or check that it is his to write.

    Raises:
        ConfigError: it is not.
        OSError: it cannot be read or handed over.
    """
    found = os.fstat(folder)
    if found.st_uid == 0:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        try:
            with os.scandir(readable) as entries:
                empty = next(entries, None) is None
            if empty:
                os.fchown(readable, user.uid, user.gid)
                return
        finally:
            os.close(readable)
    if not _may_write(found, user):
        raise ConfigError([_not_theirs(config, user, found)])


def enter_store(config: Config) -> None:
    """For a command that works on the store: root becomes the store's user first.

    Raises:
        ConfigError: as :func:`user_to_become` and :func:`prepare_store`.
    """
    user = user_to_become(config)
    prepare_store(config, user)
    become(user)


def _may_write(found: os.stat_result, user: SystemUser) -> bool:
    if found.st_uid == user.uid:
        return (found.st_mode & stat.S_IRWXU) == stat.S_IRWXU
    if found.st_gid in os.getgrouplist(user.name, user.gid):
        return (found.st_mode & stat.S_IRWXG) == stat.S_IRWXG
    return (found.st_mode & stat.S_IRWXO) == stat.S_IRWXO


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _no_such_user(config: Config) -> Fault:
    name = config.server.user
    return Fault(
        place=str(config.file or ""),
        setting="server.user",
        problem=f'this machine has no user "{name}" to become',
        hint=f'make it with "useradd --system --home-dir {config.store.path} {name}", name another, '
        'or say server.user = "root" to do without (not advised)',
    )


def _not_theirs(config: Config, user: SystemUser, found: os.stat_result) -> Fault:
    path: Path = config.store.path
    return Fault(
        place=str(config.file or ""),
        setting="store.path",
        problem=f'the folder {path} belongs to {_owner(found.st_uid)}; "{user.name}" cannot write there',
        hint=f'hand it over with "chown -R {user.name}: {path}", or choose another folder',
    )


def _strangers_link(config: Config, error: StrangersLink) -> Fault:
    return Fault(
        place=str(config.file or ""),
        setting="store.path",
        problem=f"cannot use the folder {config.store.path}: {error}",
        hint="write the path without the link, or let the link and the folder that it is in belong to root",
    )


def _no_folder(config: Config, error: OSError) -> Fault:
    return Fault(
        place=str(config.file or ""),
        setting="store.path",
        problem=f"cannot use the folder {config.store.path}: {error.strerror or error}",
        hint="choose a folder that this user may write, or start as root",
    )
