"""What happened, in order, for whoever has to find out why a trial failed."""

from __future__ import annotations

import threading
import time
from pathlib import Path


class History:
    """A file with a line for each event; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def tell(self, what: str) -> None:
        line = f"{time.time():.3f} {threading.current_thread().name}: {what}\n"
        with self._lock, self._path.open("a") as file:
            file.write(line)
