"""Which servers can be run on this machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.realservers import courier, dovecot
from tests.realservers.courier import courier as open_courier
from tests.realservers.dovecot import dovecot as open_dovecot
from tests.realservers.ours import ours as open_ours
from tests.realservers.server import RealServer, why_not

Opener = Callable[[], AbstractContextManager[RealServer]]

# fmt: off
OPENERS: dict[str, tuple[Opener, Path | None]] = {
    # name: how to open it, and what has to be installed
    "Pillarbox": (open_ours,    None),
    "Dovecot":   (open_dovecot, dovecot.POP3),
    "Courier":   (open_courier, courier.UNPACKED),
}
# fmt: on
OF_OTHERS = [name for name, (_, needed) in OPENERS.items() if needed]


def opener(name: str) -> Opener:
    """How to open the server *name*; skips the test where that cannot be done."""
    found, needed = OPENERS[name]
    reason = needed and why_not(name, needed)
    if reason:
        pytest.skip(reason)
    return found
