"""What was found, as docs/cluster-benchmarks.md and for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bench.cluster.driving import Cost
from bench.cluster.found import Found
from bench.cluster.places import DATABASE, NODES, OBJECTS
from bench.cluster.room import Room
from bench.cluster.spent import DRIVER
from bench.cluster.trips import Trips

_PARTIES = (NODES, DATABASE, OBJECTS, DRIVER)
_HEAD = """# What a cluster costs

`{command}` wrote this page on {date}: {versions}; everything on one machine with {cores} cores,
the database syncs, the object store keeps two copies. Medians of {rounds} rounds. `bench/cluster/__init__.py` says
what is measured, and how.
"""


def page(found: Found) -> str:
    """Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    head = _HEAD.format(
        command=found.command,
        date=found.date,
        versions=versions,
        cores=found.cores,
        rounds=found.rounds,
    )
    return "\n".join([head, *_works(found.costs), *_trips(found.trips), *_room(found)])


def _works(costs: Sequence[Cost]) -> Iterator[str]:
    yield "## Work\n"
    yield (
        "*embedded* is one worker without a cluster, each node is one worker, too. CPU is in microseconds for each "
        "operation. All share the machine with the driver, so what more nodes add here is less than on "
        "machines of their own: *scarce* says what there was no more of.\n"
    )
    yield _row(
        "work", "where", "clients", "a second", "median ms", "p99 ms", *_PARTIES, "idle", "scarce"
    )
    yield _row("---", "---", *["---:"] * 9, "---")
    for work, of_it in groupby(costs, lambda cost: cost.work):
        for cost in of_it:
            yield _row(
                work,
                cost.place,
                cost.seats,
                _number(cost.per_second),
                _number(cost.median),
                _number(cost.p99),
                *(_number(cost.cpu[party]) if party in cost.cpu else "" for party in _PARTIES),
                f"{cost.idle:.2f}",
                cost.scarce,
            )
            work = ""  # noqa: PLW2901 -- named once
    yield ""


def _trips(found: Iterable[Trips]) -> Iterator[str]:
    yield "## Round trips to the database\n"
    yield "Listened to on the wire, on a node that has seen such a session before.\n"
    yield _row("session", "round trips", "what they are")
    yield _row("---", "---:", "---")
    for each in found:
        asked = "<br>".join(
            f"{times:g} of `{text.replace('|', '')}`" for text, times in each.statements.items()
        )
        yield _row(each.what, f"{each.count:g}", asked)
    yield ""


def _room(found: Found) -> Iterator[str]:
    yield "## Room\n"
    yield (
        f"Bytes for each of {found.mailboxes:,} mailboxes: how much larger the tables are with their indexes, "
        "after a vacuum; and what is written to the write-ahead log, when all mailboxes do it once between two "
        "checkpoints, and when only a few do (then each has a page or more kept whole).\n"
    )
    yield _row("what", "tables", "log", "log, few", "which tables")
    yield _row("---", "---:", "---:", "---:", "---")
    yield from map(_of_room, found.room)
    yield ""


def _of_room(each: Room) -> str:
    tables = ", ".join(f"{table} {_number(size)}" for table, size in each.tables.items())
    alone = _number(each.log_alone) if each.log_alone else ""
    return _row(each.what, _number(sum(each.tables.values())), _number(each.log), alone, tables)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 20 else f"{value:,.2f}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
