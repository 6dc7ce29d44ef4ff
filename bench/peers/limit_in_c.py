"""The kernel's own limit: the bare server again, in C (``limit.c``), where there is a compiler.

What it takes is the kernel's share of the work; what is between it and the bare uvloop server is
Python's and the event loop's. In clear only: OpenSSL would cost it what it costs everybody.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.realservers.server import open_folder

from bench.accounting import open_account
from bench.peers.contract import Mail, Peer
from bench.peers.limit import learn
from bench.peers.processes import (
    HOST,
    CannotRun,
    make_certificate,
    output_of,
    running,
    wait_until_it_listens,
)
from bench.works.mail import POLLED

_COMPILER = "cc"
_SOURCE = Path(__file__).with_name("limit.c")


@contextmanager
def limit_in_c(example: Peer) -> Iterator[Peer]:
    """A running server in C that says to all users what *example* says to the first.

    Raises:
        CannotRun: there is no C compiler, or none that makes it.
    """
    with open_folder() as folder, open_account("limit-in-c") as account:
        command, port = prepare(folder, learn(example)), free_port()
        log = folder / "log"
        with running([*command, str(port)], log, account) as process:
            wait_until_it_listens(process, (HOST, port), log)
            yield Peer(
                "limit: C",
                output_of([_COMPILER, "--version"]).partition("\n")[0],
                account,
                port,
                None,
                None,
                make_certificate(folder),
                dict.fromkeys(POLLED, Mail(50)),
                lambda _user: None,
                limit=True,
            )


def prepare(folder: Path, told: Mapping[bytes, bytes]) -> list[str]:
    """Compile it into *folder*, to say what it is *told*; the command, which lacks the port.

    Raises:
        CannotRun: there is no C compiler, or none that makes it.
    """
    compiler = shutil.which(_COMPILER)
    if compiler is None:
        raise CannotRun(f"there is no C compiler ({_COMPILER})")
    program, replies = folder / "limit", folder / "replies"
    try:
        subprocess.run([compiler, "-O2", "-o", program, _SOURCE], check=True)
    except subprocess.CalledProcessError as error:
        raise CannotRun(f"{compiler} failed ({error.returncode})") from None
    replies.write_bytes(b"".join(record(*one) for one in told.items()))
    return [str(program), str(replies)]


def record(command: bytes, reply: bytes) -> bytes:
    """As ``limit.c`` reads it; the greeting comes first."""
    return b"%d %d\n%s%s" % (len(command), len(reply), command, reply)
