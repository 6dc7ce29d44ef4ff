"""The health page: alive, ready or why not, and counters summed over the workers."""

from __future__ import annotations

import fcntl
import re
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pillarbox.app import monitor
from pillarbox.app.config import Config
from pillarbox.app.config.settings import Server
from pillarbox.app.config.store import StoreSettings
from pillarbox.app.monitor import SILENT_SECONDS, Health, make_app
from pillarbox.app.shared import Column, SharedTable, State
from pillarbox.app.supervisor_setup import Setup
from pillarbox.app.worker_life import Seat
from pillarbox.store.embedded import open_store
from pillarbox.store.embedded.schema import connect
from tests.app.run.processes import eventually, get
from tests.postoffice import PASSWORD, PostOffice

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"


def counters(office: PostOffice) -> dict[str, float]:
    """All series of the metrics page."""
    status, body = get(office.addresses["http"], "/metrics")
    assert status == 200
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_pages_of_a_running_server(tmp_path: Path) -> None:
    with PostOffice(tmp_path) as office:
        http = office.addresses["http"]
        assert get(http, "/live") == (200, b'{"live":true}')
        assert get(http, "/ready") == (200, b'{"ready":true,"reasons":[]}')
        status, page = get(http, "/")
        assert status == 200
        assert b"localhost: ready" in page
        assert b"2 workers" in page
        assert get(http, "/etc/passwd")[0] == 404


def test_counters_are_summed_over_the_workers(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        office.deliver(MESSAGE, "alice")
        for _ in range(7):  # the kernel spreads them over both workers
            (letter,) = office.collect("alice", "pop3s")
        office.collect("alice", "pop3", keep=False)
        for door, sessions in (("pop3s", 7), ("pop3", 1)):  # they are counted when they are over
            ended = f'pillarbox_sessions_total{{door="{door}",reason="quit"}}'
            eventually(
                lambda ended=ended, sessions=sessions: counters(office).get(ended) == sessions,  # type: ignore[misc]
                "all are counted",
            )
        found = counters(office)
        assert found['pillarbox_connections_total{door="pop3s"}'] == 7
        assert found['pillarbox_messages_retrieved_total{door="pop3s"}'] == 7
        assert found['pillarbox_retrieved_bytes_total{door="pop3s"}'] == 7 * len(letter)
        assert found['pillarbox_messages_deleted_total{door="pop3"}'] == 1
        assert found['pillarbox_deliveries_total{door="lmtp",outcome="stored"}'] == 1
        assert found['pillarbox_workers{state="ready"}'] == 2
        signed_in = sum(v for k, v in found.items() if re.match(r"pillarbox_sign_ins.*\"ok\"", k))
        assert signed_in == 8


def test_open_connections_are_counted_now(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice", "bob"]) as office:
        with office.session("alice"), office.session("bob"):
            assert counters(office)["pillarbox_open_connections"] == 2
        eventually(lambda: counters(office)["pillarbox_open_connections"] == 0, "both are gone")


def test_pages_name_nobody_and_no_secret(tmp_path: Path) -> None:
    with PostOffice(tmp_path, users=["alice"]) as office:
        office.collect("alice")
        for path in ("/", "/live", "/ready", "/metrics"):
            _, body = get(office.addresses["http"], path)
            assert b"alice" not in body
            assert PASSWORD.encode() not in body
            assert str(tmp_path).encode() not in body.replace(b"unix:", b"")


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    """A health page's seat, with one worker beside it."""
    open_store(tmp_path / "store")
    table = SharedTable(8)
    config = Config(server=Server(workers=1), store=StoreSettings(path=tmp_path / "store"))
    return Seat(
        role="monitor",
        number=0,
        setup=Setup(config, None, None, None, ()),
        table=table,
        column=take(table, State.READY),
        lifeline=-1,
        notice=-1,
        metrics=tmp_path,
    )


def take(table: SharedTable, state: State, generation: int = 1) -> Column:
    column = table.take(generation)
    assert column is not None
    column.state = state
    return column


async def reasons(seat: Seat) -> list[str]:
    health = Health(seat)
    try:
        return await health.reasons()
    finally:
        await health.close()


async def test_ready_when_every_worker_is(seat: Seat) -> None:
    take(seat.table, State.READY)
    assert await reasons(seat) == []


@pytest.mark.parametrize(
    ("state", "says"), [(State.STARTING, "starting"), (State.DRAINING, "draining")]
)
async def test_not_ready_while_a_worker_is_not(seat: Seat, state: State, says: str) -> None:
    take(seat.table, state)
    (reason,) = await reasons(seat)
    assert says in reason


async def test_not_ready_while_a_worker_is_missing(seat: Seat) -> None:
    assert await reasons(seat) == ["1 of 1 workers are missing"]


async def test_a_worker_that_hangs_is_named(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    take(seat.table, State.READY).pid = 4711
    monkeypatch.setattr(Column, "silence", lambda _: SILENT_SECONDS + 1)
    (reason,) = await reasons(seat)
    assert reason == "worker 4711 has not responded for 11 seconds"


async def test_an_older_generation_does_not_matter(seat: Seat) -> None:
    take(seat.table, State.READY)
    newer = replace(seat, column=take(seat.table, State.READY, generation=2))
    take(seat.table, State.READY, generation=2)
    take(seat.table, State.DRAINING, generation=1)
    assert await reasons(newer) == []


async def test_not_ready_when_the_store_is_gone(seat: Seat, tmp_path: Path) -> None:
    take(seat.table, State.READY)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").write_text("no folder")
    (reason,) = await reasons(seat)
    assert reason == "the store cannot be read and written"


async def test_ready_as_soon_as_the_workers_have_made_the_store(
    seat: Seat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "PROBE_FRESH_SECONDS", 0)
    take(seat.table, State.READY)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    health = Health(seat)
    assert await health.reasons() == ["the store cannot be read and written"]
    assert not (tmp_path / "store").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "store")
    assert await health.reasons() == []
    await health.close()


async def test_probes_beside_a_held_lock_pile_nothing_up(
    seat: Seat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is something to sweep, too: no business of the page's, which need not wait for it."""
    take(seat.table, State.READY)
    monkeypatch.setattr(monitor, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(monitor, "PROBE_FRESH_SECONDS", 0)
    shard = next((tmp_path / "store").glob("shard-*"))
    with closing(connect(shard / "index.db")) as sql:
        sql.execute("INSERT INTO doomed (id) VALUES (1)")
    health = Health(seat)
    before = set(threading.enumerate())
    with (shard / "writer.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for _ in range(4):
            (reason,) = await health.reasons()
            assert "did not answer" in reason
    ours = {
        thread.name.startswith("pillarbox-")
        for thread in threading.enumerate()
        if thread not in before
    }
    assert ours == {True}  # the store's own, of which there is a bounded number
    await health.close()


async def test_without_a_metrics_folder_the_page_tells_what_is_true_now(seat: Seat) -> None:
    bare = replace(seat, metrics=None)
    app = make_app(Health(bare), bare)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as page:
        answer = await page.get("/metrics")
    assert answer.status_code == 200
    assert "pillarbox_open_connections 0.0" in answer.text
