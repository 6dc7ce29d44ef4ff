"""Standard streams that whoever started this process has closed (``pillarbox fetch <&-``).

Python has None in their place. And the next file that is opened gets the number of one: what a
child writes to "its stderr" would be written into a message on its way to its folder.
"""

from __future__ import annotations

import os
import sys


def open_closed_ones() -> None:
    """Open what is closed: nothing comes from it, and what goes there goes nowhere.

    To be called before any other file is opened.

    Raises:
        OSError: the machine has no ``/dev/null``.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is given.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- stays open
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 -- stays open
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 -- stays open
