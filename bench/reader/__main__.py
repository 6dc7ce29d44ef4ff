"""``python -m bench.reader [--messages N] [--folder DIR]``: a library is generated, indexed, and asked.

Index and pages are measured one after the other, each in a process of its own. Times are in ms unless they say so:
by the clock the median, and processor time the least.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.reader import index, pages
from bench.reader.mail import MESSAGES, library
from bench.reader.spent import memory_watched, processor_time
from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import Progress


def run(root: Path, messages: int, *, reindex: bool = True) -> None:
    """Print what is found, as it is found."""
    if not (root / "mail").exists():
        began = time.perf_counter()
        library(root / "mail", messages)
        print(f"{messages:,} messages written: {time.perf_counter() - began:.0f} s", flush=True)
    if reindex or not (root / "index.db").exists():
        _reindex(root)
    done = subprocess.run(
        [sys.executable, "-m", "bench.reader", "--index", root], check=True, stdout=subprocess.PIPE
    )
    for what, how_much in json.loads(done.stdout):
        print(f"{what}: {how_much}")
    for what, how_much in pages.measure(root):
        print(f"{what}: {how_much}", flush=True)


def _reindex(root: Path) -> None:
    opened, survey, close = open_index(root, Maildirs(Tree(root / "mail")))
    began, cpu = time.perf_counter(), processor_time()
    with memory_watched() as peak:
        survey.reindex(_show)
    took, own = time.perf_counter() - began, processor_time() - cpu
    print(f"reindex: {took:.1f} s, of this process {own:.1f} s", flush=True)
    print(f"memory (PSS) meanwhile, MB: {peak.own / 1e6:.0f}, and workers {peak.workers / 1e6:.0f}")
    close()
    print(f"index.db: {opened.path.stat().st_size / 1e6:.0f} MB", flush=True)


def _show(progress: Progress) -> None:
    if sys.stderr.isatty():
        print(f"\r{progress.done:,} of {progress.total:,}", end="", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reader", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument(
        "--folder", type=Path, help="keep the library there, or use the one there is"
    )
    parser.add_argument("--keep-index", action="store_true", help="use the index that is there")
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.index:
        print(json.dumps(list(index.measure(asked.index))))
    elif asked.folder:
        asked.folder.mkdir(exist_ok=True, parents=True)
        run(asked.folder, asked.messages, reindex=not asked.keep_index)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), asked.messages)


if __name__ == "__main__":
    main()
