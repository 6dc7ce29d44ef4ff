"""A worker's meter: cheap now, written later, bounded, never in the way."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

from pillarbox.app.metrics import MAX_SERIES, ROOM_OCTETS, PrometheusMeter


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library keeps its way of counting in a module's variable."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    before = values.ValueClass
    yield
    values.ValueClass = before


def page(folder: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call] # the library's
    return prometheus_client.generate_latest(registry).decode()


def test_workers_add_up(tmp_path: Path) -> None:
    meters = [PrometheusMeter(tmp_path, column) for column in (0, 1)]
    for meter in meters:
        meter.session_began("pop3s")
        meter.session_ended("pop3s", "quit", retrieved=2, octets=100, deleted=1)
        meter.connection_refused("pop3", "too many")
        meter.signed_in("PLAIN", "ok")
        meter.sign_in_delayed("account")
        meter.delivered("lmtp", "stored", 50)
        meter.swept("ok", messages=3, octets=40, absent=1)
        meter.flush()
    text = page(tmp_path)
    for line in (
        'pillarbox_connections_total{door="pop3s"} 2.0',
        'pillarbox_sessions_total{door="pop3s",reason="quit"} 2.0',
        'pillarbox_messages_retrieved_total{door="pop3s"} 4.0',
        'pillarbox_retrieved_bytes_total{door="pop3s"} 200.0',
        'pillarbox_messages_deleted_total{door="pop3s"} 2.0',
        'pillarbox_connections_refused_total{door="pop3",reason="too many"} 2.0',
        'pillarbox_sign_ins_total{mechanism="PLAIN",outcome="ok"} 2.0',
        'pillarbox_sign_ins_delayed_total{by="account"} 2.0',
        'pillarbox_deliveries_total{door="lmtp",outcome="stored"} 2.0',
        'pillarbox_delivered_bytes_total{door="lmtp",outcome="stored"} 100.0',
        'pillarbox_retention_sweeps_total{outcome="ok"} 2.0',
        'pillarbox_messages_removed_total{reason="retention"} 6.0',
        'pillarbox_removed_bytes_total{reason="retention"} 80.0',
        'pillarbox_views_released_total{reason="absent"} 2.0',
    ):
        assert line in text.splitlines()


def test_a_replacement_goes_on_counting_where_its_predecessor_stopped(tmp_path: Path) -> None:
    for _ in range(3):
        meter = PrometheusMeter(tmp_path, 0)
        meter.session_began("pop3")
        meter.flush()
    assert 'pillarbox_connections_total{door="pop3"} 3.0' in page(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_not_flushed_is_not_lost(tmp_path: Path) -> None:
    meter = PrometheusMeter(tmp_path, 0)
    meter.session_began("pop3")
    meter.flush()
    meter.flush()
    meter.session_began("pop3")
    meter.flush()
    assert 'pillarbox_connections_total{door="pop3"} 2.0' in page(tmp_path)


def test_made_up_labels_cannot_fill_memory(tmp_path: Path) -> None:
    meter = PrometheusMeter(tmp_path, 0)
    for number in range(2 * MAX_SERIES):
        meter.signed_in(f"MADE-UP-{number}", "refused")
    meter.flush()
    lines = [line for line in page(tmp_path).splitlines() if line.startswith("pillarbox_sign_ins")]
    assert len(lines) == MAX_SERIES + 1
    assert f'pillarbox_sign_ins_total{{mechanism="other",outcome="other"}} {MAX_SERIES}.0' in lines


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    meter = PrometheusMeter(folder, 0)
    meter.session_began("pop3")
    meter.flush()
    meter.session_began("pop3")
    meter.flush()


def test_the_file_has_its_room_before_it_is_mapped(tmp_path: Path) -> None:
    """Writing to a map without blocks behind it, on a full disk, kills the process."""
    meter = PrometheusMeter(tmp_path, 0)
    for number in range(2 * MAX_SERIES):
        meter.signed_in(f"MADE-UP-{number}", "refused")
    meter.flush()
    (file,) = tmp_path.iterdir()
    found = file.stat()
    assert found.st_size == ROOM_OCTETS
    assert found.st_blocks * 512 >= ROOM_OCTETS


def test_on_a_full_disk_nothing_is_counted_and_nobody_dies(tmp_path: Path) -> None:
    meter = PrometheusMeter(tmp_path, 0)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        meter.session_began("pop3")
        meter.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    meter.session_began("pop3")
    meter.flush()
    assert 'pillarbox_connections_total{door="pop3"} 1.0' in page(tmp_path)
