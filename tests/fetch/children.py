"""Runs as programs of their own: what they cost can be told from what a test costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pillarbox.fetch.events import Totals
from pillarbox.fetch.rules import Rules
from tests.postoffice import PASSWORD, PATIENCE
from tests.realservers.server import Way

CHILD = Path(__file__).with_name("child.py")


class Report(NamedTuple):
    """What a run was, and what it has cost."""

    totals: Totals
    error: str | None
    peak_octets: int
    """Of memory, at any one time."""
    cpu_seconds: float
    """User and system, from the start of the program to the end of the run."""


def run_child(
    way: Way,
    target: str,
    state: Path,
    rules: Rules,
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    within: Callable[[], None] | None = None,
) -> Report:
    """Collect, with the interpreter started with *options*; *within* is called in its process
    before that begins.
    """
    arguments = [str(way.endpoint), str(way.tls.ca), target, str(state), rules.mode]
    done = subprocess.run(
        [sys.executable, *options, str(CHILD), *arguments],
        input=f"{PASSWORD}\n",
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        preexec_fn=within,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return Report(Totals(*found.pop("totals")), **found)
