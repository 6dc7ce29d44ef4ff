"""A server that says what it was told to, true or not, and then hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def liar(*visits: Sequence[bytes]) -> Iterator[int]:
    """Its port. For each visit: what it says, first of all and after each line that it has heard."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, visits))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, visits: Sequence[Sequence[bytes]]) -> None:
    for sayings in visits:
        try:
            connection, _ = listener.accept()
        except OSError:  # nobody came
            return
        with connection, connection.makefile("rb") as lines:
            for number, saying in enumerate(sayings):
                if number and not lines.readline():
                    return
                connection.sendall(saying)
