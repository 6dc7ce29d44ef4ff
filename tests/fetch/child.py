"""One run as a program of its own, which says what it was and what it has cost.

``python child.py URL AUTHORITY TARGET STATE RULES`` reads the password from its input and writes
JSON to its output. It imports nothing but Pillarbox and the standard library.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
from pathlib import Path

from pillarbox.client.endpoint import Endpoint
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import run


def main() -> None:
    url, authority, target, state, mode = sys.argv[1:]
    account = Account(
        "child",
        Endpoint.parse(url),
        parse_destination(target),
        Rules.of_mode(mode),
        password=sys.stdin.readline().rstrip("\n"),
        tls=TlsSettings(Path(authority)),
    )
    totals, error = asyncio.run(run(account, Path(state)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "totals": totals,
        "error": None if error is None else str(error),
        "peak_octets": _peak(),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }
    sys.stdout.write(json.dumps(report))


def _peak() -> int:
    """The most memory that this program has had. (``ru_maxrss`` knows that of the process, which
    was another program before.)
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
