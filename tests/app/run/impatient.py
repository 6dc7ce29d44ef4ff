"""``pillarbox`` that gives up sooner what a held lock keeps from being written.

``python impatient.py ARGUMENT...``; all is as in ``python -m pillarbox`` but for the seconds.
"""

from __future__ import annotations

from functools import partial

from pillarbox.app import monitor, wire_up_servers
from pillarbox.app.cli import main, storage
from pillarbox.app.wire_up import open_store
from pillarbox.store.embedded import turns

vars(wire_up_servers)["open_store"] = partial(open_store, patience=3.0)
storage.COMMAND_PATIENCE_SECONDS = 2.0
turns.TURN_SECONDS = 2.0
monitor.PROBE_SECONDS = 1.0

if __name__ == "__main__":
    main()
