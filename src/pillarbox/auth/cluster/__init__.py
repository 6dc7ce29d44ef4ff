"""The accounts of a cluster: in the database that all nodes share, so that no node has state of its own.

The tables are those of an accounts file, by the same names, so all that is asked and changed is
said once (:mod:`pillarbox.auth.register`, ``accounts``, ``devices``). What is different:

* Nothing that was found is believed later: another node may have changed it. A sign-in asks
  once; only Argon2 is not repeated (:mod:`pillarbox.auth.cache`), since an account that was changed has
  another generation.
* Generations are random: no row that all changes would have to change.
* The two secrets come into being with the first change, not with the tables: until then accounts
  can be moved here that were made with others. They never change, so a process asks for them once.

``place``        the database as a :class:`pillarbox.auth.place.Place`, for commands
``serving``      the same for servers
``change``       a transaction, as whoever changes something sees it
``wording``      our statements as PostgreSQL has them, and its errors as operators read them
``loop_thread``  an event loop for who cannot wait on one
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.cluster.place import DatabasePlace
from pillarbox.auth.cluster.serving import SERVING_CONNECTIONS, ServingPlace
from pillarbox.auth.passwords import Passwords

__all__ = ["open_cluster_accounts"]


def open_cluster_accounts(
    database_url: str,
    *,
    passwords: Passwords | None = None,
    clock: Callable[[], float] = time.time,
    create: bool = False,
    serving: bool = False,
    connections: int = SERVING_CONNECTIONS,
) -> Accounts:
    """The accounts in the database at *database_url*. Connects to nothing before it is asked.

    Args:
        database_url: with its password, as :class:`pillarbox.database.Database` takes it.
        passwords: how they are hashed.
        clock: seconds since 1970; for what people read, nothing is decided by it.
        create: who only asks may be the first to need the secrets, and makes them: right where
            users are kept elsewhere (``auth.sources``).
        serving: for a server: what is asked runs on its event loop. Close it on that loop.
        connections: of a server, at the most, beside one for changes.
    """
    place = (
        ServingPlace(database_url, create=create, connections=connections)
        if serving
        else DatabasePlace(database_url, create=create)
    )
    return Accounts(place, passwords=passwords, clock=clock)
