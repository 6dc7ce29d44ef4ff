"""How much a client takes from a server, and how long it waits: every limit, with its reason."""

from __future__ import annotations

TIMEOUT = 60.0
"""Seconds without an octet after which a server is given up. Servers that look through a
large maildrop at the sign-in stay silent for half a minute."""

CAPA_PATIENCE = 10.0
"""Seconds for an answer to CAPA. Servers that do not know it and are silent instead of
refusing it exist; all others answer it at once, since it needs no maildrop."""

GOODBYE = 2.0
"""Seconds for TLS's farewell when a session is over. Nothing depends on it."""

READ_SIZE = 256 * 1024
"""Octets taken from a connection in one read: as much as asyncio decrypts in one go."""

MAX_UNREAD = 512 * 1024
"""Octets that wait for a slow consumer; past it reading pauses, and TCP holds the server back."""

MAX_LISTING = 64 * 1024 * 1024
"""Octets of a LIST, UIDL or CAPA: a million messages with unique-ids of the longest kind would
have 80. A server that sends more has lost its mind, and would cost this machine its memory."""

MAX_READ = 64 * 1024 * 1024
"""Octets that ``read()`` holds in memory unless told otherwise: more than any provider lets
through. Larger messages are for those who iterate."""

FIRST_WINDOW = 16
"""Commands under way to begin with. A server that pipelines badly shows it with as many; one
that does not lose time to the distance needs no more."""

MAX_WINDOW = 1024
"""Commands under way at most: about 12 kB, which fits into every socket's buffer, so that two
peers that both only write cannot block each other."""

MAX_UNDER_WAY = 8 * 1024 * 1024
"""Octets of mail asked for and not yet come, by the sizes of LIST: 40 ms at 1.6 Gbit/s. All of
them have to come again when the connection breaks."""

ASSUMED_SIZE = 8 * 1024
"""Octets taken for the size of a message of which it is not known."""

MAX_CHALLENGES = 20
"""Challenges of one sign-in. No mechanism has more than three; a server that goes on asking
would keep a client for ever."""
