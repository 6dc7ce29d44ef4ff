"""``python -m pillarbox``."""

from __future__ import annotations

from pillarbox.app.cli import main

if __name__ == "__main__":
    main()
