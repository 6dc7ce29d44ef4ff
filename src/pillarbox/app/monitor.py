"""The ``http`` listener: is the post office alive, is it ready, and how busy is it.

A process of its own: a scrape or a slow reader of the status page never takes time from
mail, and a hanging worker cannot keep the page from saying so. It reads what the workers
write into the shared table and the metrics files, and asks the store itself. It has no
accounts, no keys, and shows no names. (Where nodes share a database, the accounts are in the same
one as the mail. The object store does not count: while it is away, all nodes still do what is left to do.)

=========  =====================================================================
/live      200 while this process answers
/ready     200 when every worker accepts, none is told to end, and the store can be read
           and written; else 503, with the reasons as JSON
/metrics   Prometheus text format, summed over the workers
/          the same for people, in a few lines of plain text
=========  =====================================================================
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pillarbox import __version__
from pillarbox.app.shared import Column, SharedTable, State
from pillarbox.app.wire_up import look_at_store
from pillarbox.app.worker_life import Order, Seat
from pillarbox.contracts.errors import StoreError
from pillarbox.contracts.store import Store
from pillarbox.http_server import HttpServer

# Ten missed heartbeats: the worker hangs, it is not merely busy.
SILENT_SECONDS = 10.0
# A disk that takes longer to answer is as good as none.
PROBE_SECONDS = 5.0
# Probing writes to the disk; whoever asks more often gets the last answer.
PROBE_FRESH_SECONDS = 1.0


class Monitor:
    """The service of the health page's process."""

    def __init__(self, seat: Seat) -> None:
        self._health = Health(seat)
        self._sockets = seat.sockets
        config = uvicorn.Config(
            make_app(self._health, seat),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            limit_concurrency=100,
        )
        # Imports what it needs now: the user that the process becomes may not be able to
        # read where Python is installed.
        config.load()
        self._server = HttpServer(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept on the ``http`` sockets."""
        self._serving = asyncio.create_task(self._server.serve(self._sockets))
        await self._server.wait_until_started(self._serving)

    async def stop(self, order: Order) -> None:  # noqa: ARG002 - a page takes no time
        if self._serving is None:
            return
        self._server.should_exit = True
        self._server.force_exit = True
        await asyncio.shield(self._serving)  # a hurried stop cancels the first
        await self._health.close()

    def beat(self) -> None:
        """Nothing is saved up here."""


class Health:
    """Reads the state of the whole post office."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._store: Store | None = None
        self._probed_at = 0.0
        self._probed: str | None = None
        self._turn = asyncio.Lock()

    def workers(self) -> list[Column]:
        """The columns of the workers of this generation."""
        mine = self._seat.column
        return [
            column
            for column in self._seat.table.used()
            if column.generation == mine.generation and column.number != mine.number
        ]

    async def reasons(self) -> list[str]:
        """Why mail cannot be had now, in words; empty: it can."""
        workers = self.workers()
        wanted = self._seat.setup.config.server.workers
        reasons = [reason for column in workers if (reason := _trouble(column))]
        if self._seat.table.is_leaving:
            reasons.insert(0, "the server has been told to stop")
        if len(workers) < wanted:
            reasons.append(f"{wanted - len(workers)} of {wanted} workers are missing")
        trouble = await self._store_trouble()
        return [*reasons, trouble] if trouble else reasons

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()

    async def _store_trouble(self) -> str | None:
        async with self._turn:
            if time.monotonic() - self._probed_at >= PROBE_FRESH_SECONDS:
                self._probed = await self._probe()
                self._probed_at = time.monotonic()
            return self._probed

    async def _probe(self) -> str | None:
        # The reason's details (paths) are for the log of the workers, not for the page.
        try:
            if self._store is None:
                # The workers have made it, and sweep it: this process must not wait for that.
                self._store = await look_at_store(self._seat.setup.config, must_exist=True)
            async with asyncio.timeout(PROBE_SECONDS):
                await self._store.probe()
        except TimeoutError:  # before OSError, of which it is one
            return f"the store did not answer within {PROBE_SECONDS:g} seconds"
        except (StoreError, OSError):
            return "the store cannot be read and written"
        return None


def _trouble(column: Column) -> str | None:
    if column.state is State.STARTING:
        return f"worker {column.pid} is starting"
    if column.state is State.DRAINING:
        return f"worker {column.pid} is draining"
    if (silence := column.silence()) > SILENT_SECONDS:
        return f"worker {column.pid} has not responded for {silence:.0f} seconds"
    return None


class _TableCollector(Collector):
    """What is true now, from the shared table."""

    def __init__(self, table: SharedTable, own: Column) -> None:
        self._table = table
        self._own = own

    def collect(self) -> Iterable[Metric]:
        columns = [column for column in self._table.used() if column.number != self._own.number]
        states = Counter(column.state for column in columns)
        workers = GaugeMetricFamily("pillarbox_workers", "Processes, by state", labels=["state"])
        for state in (State.STARTING, State.READY, State.DRAINING):
            workers.add_metric([state.name.lower()], states[state])
        yield workers
        yield GaugeMetricFamily(
            "pillarbox_open_connections",
            "POP3 connections that are open now",
            value=sum(column.connections for column in columns),
        )
        yield CounterMetricFamily(
            "pillarbox_restarts", "Processes replaced after they died", value=self._table.restarts
        )
        info = GaugeMetricFamily("pillarbox_build_info", "Always 1", labels=["version"])
        info.add_metric([__version__], 1)
        yield info


def make_app(health: Health, seat: Seat) -> Starlette:
    """The pages."""
    registry = CollectorRegistry()
    if seat.metrics is not None:
        MultiProcessCollector(registry, path=str(seat.metrics))  # type: ignore[no-untyped-call]  # the library's
    registry.register(_TableCollector(seat.table, seat.column))

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(_: Request) -> Response:
        reasons = await health.reasons()
        body = {"ready": not reasons, "reasons": reasons}
        return JSONResponse(body, 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def status(_: Request) -> Response:
        reasons = await health.reasons()
        return PlainTextResponse(_status_page(health, seat, reasons), 503 if reasons else 200)

    routes = [("/", status), ("/live", live), ("/ready", ready), ("/metrics", metrics)]
    return Starlette(routes=[Route(path, page) for path, page in routes])


def _status_page(health: Health, seat: Seat, reasons: list[str]) -> str:
    workers = health.workers()
    connections = sum(column.connections for column in seat.table.used())
    doors = [f"  {x.door:6} {x.name}" for x in seat.setup.listeners]
    state = "\n".join(f"not ready: {reason}" for reason in reasons) or "ready"
    return "\n".join(
        [
            f"Pillarbox {__version__} on {seat.setup.config.server.hostname}: {state}",
            "",
            f"{len(workers)} workers, {connections} POP3 connections open",
            *doors,
            "",
            "/live  /ready  /metrics",
            "",
        ]
    )
