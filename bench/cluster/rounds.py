"""All of it: every work at every place, round after round; then round trips, and room."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from tests.cluster.seaweedfs import PROGRAM

from bench.cluster.driving import Cost, Work, drive
from bench.cluster.found import Found, middle
from bench.cluster.listing import big_maildrop
from bench.cluster.mail import BIG, lots
from bench.cluster.page import page
from bench.cluster.parts import Database, ObjectStore, open_database, open_object_store
from bench.cluster.places import Place, embedded, new_cluster
from bench.cluster.room import room
from bench.cluster.spent import CORES
from bench.cluster.trips import trips
from bench.cluster.works import WORKS
from pillarbox import __version__
from pillarbox.app import logs

_DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    share: float = 1.0
    """Of the messages in the large maildrop."""
    seconds: float = 5.0
    """Of each work at each place, in each round."""
    mailboxes: int = 3000
    """Of which the room is measured."""
    nodes: int = 3


WHOLE = Scale()
QUICK = Scale(0.1, 1.0, 300)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, one round")
    parser.add_argument("--rounds", type=int, help="how many")
    parser.add_argument("--only", default="", help="works whose name holds this word")
    parser.add_argument(
        "--write", action="store_true", help="write docs/cluster-benchmarks.json and .md anew"
    )
    options = parser.parse_args(arguments)
    times = options.rounds or (1 if options.quick else 3)
    logs.configure(level="warning")  # of the engines that are used here, without a server
    found = Found(
        time.strftime("%Y-%m-%d"),
        " ".join(["python -m bench cluster", *arguments]),
        times,
        CORES,
        {},
    )
    measure(found, QUICK if options.quick else WHOLE, options.only)
    text = page(found)
    Console(width=max(shutil.get_terminal_size().columns, 200)).print(Markdown(text))
    if options.write:
        found.write(_DOCS / "cluster-benchmarks.json")
        (_DOCS / "cluster-benchmarks.md").write_text(text)


def measure(found: Found, scale: Scale, only: str = "") -> None:
    """Put into *found* what there is to find; with *only*, of the works whose names hold it."""
    with open_database() as database, open_object_store() as objects:
        found.versions = {
            "Pillarbox": __version__,
            "PostgreSQL": database.version,
            "SeaweedFS": _weed_version(),
        }
        _works(found, database, objects, scale, only)
        if not only:
            found.mailboxes = scale.mailboxes
            found.room = list(room(new_cluster(database, objects), found.mailboxes))


def _works(found: Found, database: Database, objects: ObjectStore, scale: Scale, only: str) -> None:
    works = [work for work in WORKS if only in work.name]
    everybody = list({work.lot for work in works}) if only else lots(scale.share)
    cluster = new_cluster(database, objects)
    _say("filling")
    cluster.fill(everybody)
    with ExitStack() as opened:
        nodes = opened.enter_context(cluster.nodes(scale.nodes))
        places = [
            opened.enter_context(embedded(everybody)),
            *(cluster.place_of(nodes[:count]) for count in range(1, scale.nodes + 1)),
        ]
        costs = list(_rounds(places, works, found.rounds, scale.seconds))
        if not only:
            (big,) = (lot.count for lot in everybody if BIG in lot.users)
            for place in places[:2]:
                costs += big_maildrop(place, big)
    found.costs = _medians(costs)
    if not only:
        _say("round trips")
        found.trips = list(trips(cluster))


def _rounds(
    places: Sequence[Place], works: Sequence[Work], times: int, seconds: float
) -> Iterator[Cost]:
    """Places take turns, so that the machine's moods hit all alike."""
    for number in range(times):
        for work in works:
            for place in places:
                cost = drive(place, work, seconds)
                _say(f"round {number + 1}: {work.name}: {place.name}: {cost.per_second:.0f}/s")
                yield cost


def _medians(costs: Sequence[Cost]) -> list[Cost]:
    """In the order of the first round; a cluster's after its like."""
    by_name: dict[tuple[str, str], list[Cost]] = {}
    for cost in costs:
        by_name.setdefault((cost.work, cost.place), []).append(cost)
    works = list(dict.fromkeys(cost.work for cost in costs))
    middles = [middle(of_it) for of_it in by_name.values()]
    return sorted(middles, key=lambda cost: works.index(cost.work))


def _weed_version() -> str:
    told = subprocess.run([PROGRAM, "version"], check=True, capture_output=True, text=True)
    return told.stdout.split()[2]


def _say(text: str) -> None:
    print(text, file=sys.stderr)
