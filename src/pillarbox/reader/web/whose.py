"""Whose program is at the other end of a connection within this machine.

The URL that lets in once is handed to a browser as an argument, and every user of a machine may look at the arguments
of all programs: who is quick could be in before the browser is. Linux tells to whom a connection belongs, so there
nobody else gets in by it. Where the system does not tell, only the token counts.

Nor by the cookie. A browser shows it to every port of the host: a link in a mail can lead to another user's program, which then
has it, and would be in.
"""

from __future__ import annotations

import ipaddress
import sys
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from pillarbox.reader.web.pages import off_loop

ROOT = 0
"""May read everything anyway; and is who relays connections (of a container, of another machine's window)."""

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""proc_pid_net(5). Columns: number, local and remote address, state, queues, timer, retransmissions, user."""
_LOCAL, _REMOTE, _USER = 1, 2, 7
_WORD = 4  # octets of an address that are printed as one number

Place = tuple[str, int]
"""Address and port."""

KEPT = 1024
"""Connections that have been asked about; more than a page may have."""


class Connections:
    """Each is asked about once, as that reads a table of all connections of the machine. On the event loop.

    A server names the client of a connection by one object as long as it lasts. A port says less: once it is free again, anybody
    may have it.
    """

    def __init__(self, own: int) -> None:
        self._own = own
        self._known: OrderedDict[Place, Place] = OrderedDict()

    async def is_anothers(self, client: Place | None, server: Place | None) -> bool:
        """See the function of that name."""
        if client is not None and self._known.get(client) is client:
            return False
        if await off_loop(is_anothers, client, server, self._own):
            return True
        if client is not None:
            self._known[client] = client
            self._known.move_to_end(client)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return False


def is_anothers(client: Place | None, server: Place | None, own: int) -> bool:
    """Whether the program at *client*, which is connected to *server*, is known to be of another user than *own*. Blocking."""
    if own == ROOT or client is None or server is None:
        return False
    user = owner_of(client, server)
    return user is not None and user not in {own, ROOT}


def owner_of(client: Place, server: Place) -> int | None:
    """The number of the user; None: the system does not tell, or the program is not on this machine."""
    local, remote = _as_printed(client), _as_printed(server)
    for table in _TABLES:
        with suppress(OSError, ValueError), table.open(encoding="ascii") as lines:
            for line in lines:
                columns = line.split()
                if len(columns) > _USER and columns[_LOCAL] in local and columns[_REMOTE] in remote:
                    return int(columns[_USER])
    return None


def _as_printed(place: Place) -> frozenset[str]:
    """*place* as the tables have it: of IPv4, also as what it is to a socket of IPv6 (RFC 4291, section 2.5.5.2)."""
    try:
        address = ipaddress.ip_address(place[0])
    except ValueError:
        return frozenset()
    forms = {address.packed}
    if isinstance(address, ipaddress.IPv4Address):
        forms.add(ipaddress.IPv6Address(f"::ffff:{address}").packed)
    elif address.ipv4_mapped is not None:
        forms.add(address.ipv4_mapped.packed)
    return frozenset(f"{_words(form)}:{place[1]:04X}" for form in forms)


def _words(packed: bytes) -> str:
    """Each four octets as a number of this machine's byte order."""
    words = (packed[at : at + _WORD] for at in range(0, len(packed), _WORD))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
