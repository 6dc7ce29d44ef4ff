"""The server that all collect from, and its maildrop, which is filled again for each of them.

With a Maildir each message is a link to a file that stays. To delete it frees no inode then: ext4
does not give out one that was freed in the last seconds and looks long for another, so who comes
after who has deleted much would pay for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.realservers.dovecot import dovecot, why_not
from tests.realservers.ours import ours
from tests.realservers.server import MaildirServer, RealServer

from bench.peers.contract import message

OCTETS = 4_000


class Drop:
    """A server and the mail for it."""

    def __init__(self, server: RealServer, count: int, pool: Path) -> None:
        """*pool*: a new folder on the disk of the server's."""
        self.server = server
        self.count = count
        self._pool = pool
        as_file = message(OCTETS).replace(b"\r\n", b"\n")
        for number in range(count):
            (pool / str(number)).write_bytes(as_file.replace(b"message 0", b"message %d" % number))

    def fill(self) -> None:
        """Put all of the mail in.

        Raises:
            RuntimeError: there is some left.
        """
        if left := self.server.left():
            raise RuntimeError(f"{left} messages were left behind")
        letters = sorted(self._pool.iterdir())
        if isinstance(self.server, MaildirServer):
            for letter in letters:
                link = self._pool.with_name("link")
                link.hardlink_to(letter)
                self.server.maildir.move_in(link)
        else:
            self.server.put(letter.read_bytes() for letter in letters)


@contextmanager
def open_server() -> Iterator[RealServer]:
    """Dovecot, if it can be started here; else our own."""
    with dovecot() if why_not() is None else ours() as server:
        yield server
