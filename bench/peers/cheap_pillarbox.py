"""Pillarbox whose password hashes cost next to nothing to check.

The other servers keep the bench's passwords in the clear or nearly so. What an Argon2 hash costs
is a work of its own (``logins``), and would hide all else where a session is the first of its
user: in a maildrop that is looked at for the first time, among ten thousand idle sessions, on a day of
twenty thousand users. Started with ``python -m bench.peers.cheap_pillarbox serve ...`` like
``pillarbox``.
"""

from __future__ import annotations

from pillarbox.app import wire_up
from pillarbox.app.cli import main
from pillarbox.auth.passwords import Argon2Parameters, Passwords

CHEAP = Argon2Parameters(time_cost=1, memory_kib=8)


def _cheap(**_usual: object) -> Passwords:
    """No keys for SCRAM either: each would be made at its user's first sign-in."""
    return Passwords(CHEAP, scram_hashes=())


if __name__ == "__main__":
    setattr(wire_up, "Passwords", _cheap)  # noqa: B010 -- a class is not to be assigned to
    main()
