"""Listening sockets: bound by the supervisor, inherited by the workers.

One socket a worker
    On Linux every worker has a TCP socket of its own at the same address (SO_REUSEPORT):
    the kernel spreads connections over them. The supervisor keeps each open, so a worker
    that is replaced finds the connections that queued meanwhile. SO_REUSEPORT would also
    let a second Pillarbox of the same user join in silently and take half the mail, so a
    socket *without* it is bound first, as a probe. Elsewhere, for ``http`` and for
    sockets in the file system, all workers share one socket.

Dual stack
    ``[::]:PORT`` serves IPv4 as well, unless ``0.0.0.0:PORT`` is listed too; the two then
    stand side by side. On a machine without IPv6 ``[::]`` means ``0.0.0.0``.

Socket files
    A new socket is bound beside the old and renamed over it, so that clients never find
    the file missing; one that somebody still answers on is left alone. Who on the machine may
    connect, its mode says (``listen.socket_mode``): from its first moment on, and on a reload
    at once.

A reload asks for a new set and names the old one: places in both keep their sockets (and
the connections queued in them), places only in one are opened or closed by the caller.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pillarbox.app.config.addresses import Address, TcpAddress, UnixAddress
from pillarbox.app.config.checks import DOORS
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.server.limits import LISTEN_BACKLOG

# Only Linux spreads connections over sockets that share a port.
SPREADS = sys.platform == "linux"
FOLDER_MODE = 0o755
_FIRST_FREE_PORT = 1024
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a socket is bound: a configured address, looked up."""

    family: socket.AddressFamily
    host: str
    """A numeric address, or the path of a socket file."""
    port: int = 0
    only_ipv6: bool = False
    nth: str = ""
    """Tells places with port 0 apart: each is another port."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One door at one place."""

    door: str
    place: Place
    sockets: tuple[socket.socket, ...]
    """One a worker, or one that all share."""
    name: str
    """The address really bound, as an operator would write it."""

    def socket_of(self, seat: int) -> socket.socket:
        """The socket of worker number *seat*."""
        return self.sockets[seat % len(self.sockets)]


def open_listeners(
    config: Config, workers: int, before: Sequence[Listener] = ()
) -> tuple[Listener, ...]:
    """Bind everything that ``[listen]`` names, taking over sockets from *before*.

    On failure whatever was newly bound is closed again and *before* is as it was.

    Raises:
        ConfigError: with one fault for each address that cannot be had.
    """
    wanted, faults = _look_up(config)
    known = {listener.place: listener for listener in before}
    opened: list[Listener] = []
    mode = int(config.listen.socket_mode, 8)
    for door, place, address in wanted:
        count = workers if SPREADS and place.family != socket.AF_UNIX and door != "http" else 1
        try:
            opened.append(_open(door, place, count, known, mode))
        except OSError as error:
            faults.append(_fault(config, door, address, error))
    if not faults:  # a reload that fails for another reason changes no mode
        faults = _set_modes(config, opened, mode)
    if faults:
        close_listeners(opened, keep=before)
        raise ConfigError(faults)
    return tuple(opened)


def check_names(config: Config) -> None:
    """Look up every name in ``[listen]``, as :func:`open_listeners` would; bind nothing.

    Raises:
        ConfigError: with one fault for each name that is not found.
    """
    _, faults = _look_up(config)
    if faults:
        raise ConfigError(faults)


def close_listeners(listeners: Sequence[Listener], keep: Sequence[Listener] = ()) -> None:
    """Close the sockets of *listeners* that *keep* does not have, and remove their files."""
    kept = {id(sock) for listener in keep for sock in listener.sockets}
    for listener in listeners:
        for sock in listener.sockets:
            if id(sock) not in kept:
                _close(listener.place, sock)


def _look_up(config: Config) -> tuple[list[tuple[str, Place, Address]], list[Fault]]:
    """Every (door, place, address as configured); and a fault for each name not found."""
    found: list[tuple[str, Place, Address]] = []
    faults: list[Fault] = []
    for door in DOORS:
        for number, address in enumerate(getattr(config.listen, door)):
            try:
                places = list(_places(address, f"{door} {number}"))
            except OSError as error:
                faults.append(_fault(config, door, address, error))
            else:
                found += [(door, place, address) for place in places]
    ipv4 = {place.port for _, place, _ in found if place.host == "0.0.0.0"}  # noqa: S104 - compared, not bound
    return [(door, _alone(place, ipv4), address) for door, place, address in found], faults


def _places(address: Address, nth: str) -> Iterator[Place]:
    if isinstance(address, UnixAddress):
        yield Place(socket.AF_UNIX, str(address.path))
    elif isinstance(address, TcpAddress):
        flags = socket.AI_PASSIVE
        answers = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=flags
        )
        for family, host in dict.fromkeys((answer[0], str(answer[4][0])) for answer in answers):
            yield Place(family, host, address.port, nth="" if address.port else nth)


def _alone(place: Place, ipv4: set[int]) -> Place:
    """*place*, or the same for IPv6 only when IPv4 has a socket of its own there."""
    if place.host == "::" and place.port and place.port in ipv4:
        return Place(place.family, place.host, place.port, only_ipv6=True)
    return place


def _open(door: str, place: Place, count: int, known: dict[Place, Listener], mode: int) -> Listener:
    sockets = list(known[place].sockets) if place in known else []
    sockets = sockets[:count]
    fresh: list[socket.socket] = []
    # A port that this server already holds needs no probe: it would only find itself.
    probe = bool(place.port) and all(other.port != place.port for other in known)
    try:
        while len(sockets) + len(fresh) < count:
            siblings = [*sockets, *fresh]
            if place.family == socket.AF_UNIX:
                fresh.append(_bind_file(Path(place.host), mode))
            else:
                fresh.append(_bind(place, siblings, probe=probe and not fresh))
    except OSError:
        for sock in fresh:
            _close(place, sock)
        raise
    return Listener(door, place, (*sockets, *fresh), _name(place, (*sockets, *fresh)[0]))


def _name(place: Place, sock: socket.socket) -> str:
    if place.family == socket.AF_UNIX:
        return f"unix:{place.host}"
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(place: Place, siblings: Sequence[socket.socket], *, probe: bool) -> socket.socket:
    if probe:
        with contextlib.suppress(_NoIPv6):
            _bind_tcp(place, place.port, shared=False).close()
    port = siblings[0].getsockname()[1] if siblings else place.port
    try:
        return _bind_tcp(place, port, shared=True)
    except _NoIPv6:
        return _bind_tcp(Place(socket.AF_INET, "0.0.0.0"), port, shared=True)  # noqa: S104 - what [::] asks for


class _NoIPv6(OSError):
    """This machine does not speak IPv6."""


def _bind_tcp(place: Place, port: int, *, shared: bool) -> socket.socket:
    try:
        sock = socket.socket(place.family, socket.SOCK_STREAM)
    except OSError as error:
        raise _no_ipv6(place, error) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared and SPREADS:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if place.family == socket.AF_INET6:
            dual = place.host == "::" and not place.only_ipv6
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        sock.bind((place.host, port))
        sock.listen(LISTEN_BACKLOG)
    except OSError as error:
        sock.close()
        raise _no_ipv6(place, error) from error
    sock.setblocking(False)
    return sock


def _no_ipv6(place: Place, error: OSError) -> OSError:
    return _NoIPv6(*error.args) if place.host == "::" and error.errno in _NO_IPV6 else error


class _FileSocket(socket.socket):
    """A socket in the file system that knows its own file."""

    identity: tuple[int, int] = (0, 0)

    def remember(self, path: Path) -> None:
        found = path.lstat()
        self.identity = (found.st_dev, found.st_ino)

    def remove(self, path: Path) -> None:
        """Remove the file, unless another server has put its own there since."""
        with contextlib.suppress(OSError):
            if self.is_at(path):
                path.unlink()

    def is_at(self, path: Path) -> bool:
        """Whether *path* is its file.

        Raises:
            OSError: there is none, or it cannot be looked at.
        """
        found = path.lstat()
        return (found.st_dev, found.st_ino) == self.identity


def _set_modes(config: Config, listeners: Sequence[Listener], mode: int) -> list[Fault]:
    """Let socket files that stay over a reload have the mode that is wanted now."""
    faults = []
    for listener in listeners:
        path = Path(listener.place.host)
        try:
            for sock in listener.sockets:
                with contextlib.suppress(FileNotFoundError):  # removed by hand: nobody connects
                    _set_mode(sock, path, mode)
        except OSError as error:
            problem = f"cannot give the socket {path} mode {mode:04o}: {error.strerror or error}"
            hint = f"let it belong to the user that starts the server, or chmod {mode:o} it"
            faults.append(Fault(str(config.file or ""), "listen.socket_mode", problem, hint))
    return faults


def _set_mode(sock: socket.socket, path: Path, mode: int) -> None:
    """Change the mode of *path* to *mode*, if it is the file of *sock* and has another.

    Raises:
        OSError: it is gone, or somebody else's.
    """
    is_ours = isinstance(sock, _FileSocket) and sock.is_at(path)
    if is_ours and stat.S_IMODE(path.lstat().st_mode) != mode:
        path.chmod(mode)


def _bind_file(path: Path, mode: int) -> socket.socket:
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _refuse_if_in_use(path)
    # A name as short as the path's own: the limit of 103 bytes has been checked on that.
    beside = path.with_name(f".{os.getpid() % 0x10000:x}"[: max(2, len(path.name))])
    sock = _FileSocket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        sock.bind(str(beside))
        beside.chmod(mode)
        sock.listen(LISTEN_BACKLOG)
        sock.remember(beside)
        beside.replace(path)
    except OSError:
        sock.close()
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sock.setblocking(False)
    return sock


def _refuse_if_in_use(path: Path) -> None:
    """A socket file may be replaced when nobody answers on it.

    Raises:
        FileExistsError: it is something else than a socket.
        OSError: (EADDRINUSE) somebody does.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        # A full queue must not hang the start; it means that somebody listens.
        caller.setblocking(False)
        answer = caller.connect_ex(str(path))
    if answer not in {errno.ECONNREFUSED, errno.ENOENT}:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _close(place: Place, sock: socket.socket) -> None:
    if isinstance(sock, _FileSocket):
        sock.remove(Path(place.host))
    sock.close()


def _fault(config: Config, door: str, address: Address, error: OSError) -> Fault:
    problem, hint = _explain(door, address, error)
    return Fault(
        place=str(config.file or ""),
        setting=f"listen.{door}",
        problem=f"cannot listen on {address}: {problem}",
        hint=hint,
    )


def _explain(door: str, address: Address, error: OSError) -> tuple[str, str]:
    """What is wrong, and the remedy, in words for an operator."""
    if isinstance(address, UnixAddress):
        return _explain_file(address.path, error)
    if isinstance(error, socket.gaierror):
        return f"the name is not found ({error.strerror})", "write an IP address"
    port = address.port if isinstance(address, TcpAddress) else 0
    if error.errno == errno.EACCES and 0 < port < _FIRST_FREE_PORT:
        hint = (
            "start as root (Pillarbox then becomes server.user), give the process "
            f"CAP_NET_BIND_SERVICE, or choose a port like {port + 8000} for listen.{door}"
        )
        return "ports below 1024 are for root", hint
    if error.errno == errno.EADDRINUSE:
        hint = f'"ss -ltnp sport = :{port}" shows which; stop it, or choose another port'
        return "another program listens there", hint
    return _REASONS.get(error.errno or 0, (f"{error.strerror or error}", ""))


_REASONS = {
    errno.EADDRNOTAVAIL: ("this machine has no such address", '"ip address" lists those it has'),
    errno.EAFNOSUPPORT: ("this machine does not speak IPv6", "write an IPv4 address"),
}


def _explain_file(path: Path, error: OSError) -> tuple[str, str]:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program listens there", f'"ss -lxp src {path}" shows which; stop it'
        case errno.EEXIST:
            return "there is a file of that name, and it is no socket", "move it away"
        case errno.EACCES | errno.EPERM:
            return (
                f"no permission for the folder {path.parent}",
                "start as root, let this user write there, or choose a folder of its own",
            )
    return f"{error.strerror or error}", ""
