"""TLS sessions are resumed on whichever worker a client meets (RFC 5077; RFC 8446, section 2.2).

The context is made before the fork, so all workers have its ticket keys.
"""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.app.run.processes import eventually
from tests.app.run.tls_clients import VERSIONS, cpu_seconds, of_version, visit
from tests.postoffice import PostOffice, Settings

SETTINGS: Settings = {"auth": {"apop": True}, "server": {"hostname": "localhost", "workers": 2}}

pytestmark = pytest.mark.parametrize("version", VERSIONS)


def test_on_every_worker(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with PostOffice(tmp_path, settings=SETTINGS) as office:
        context = of_version(office.context(), version)
        first = visit(office.addresses["pop3s"], context, None)
        assert not first.resumed
        seen: set[int] = set()
        while len(seen) < 2:
            again = visit(office.addresses["pop3s"], context, first.session)
            assert again.resumed
            seen.add(again.worker)


def test_on_a_worker_that_has_replaced_another(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with PostOffice(tmp_path, settings=SETTINGS) as office:
        context = of_version(office.context(), version)
        first = visit(office.addresses["pop3s"], context, None)
        old = set(office.workers())
        os.kill(first.worker, signal.SIGKILL)
        eventually(
            lambda: len(office.workers()) == len(old) and set(office.workers()) != old,
            "another one is there",
        )
        while True:
            again = visit(office.addresses["pop3s"], context, first.session)
            assert again.resumed
            if again.worker not in old:
                break


def test_a_reload_ends_the_tickets_and_new_ones_hold(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """One whole handshake for each client; a ticket that was stolen is worth nothing any more."""
    with PostOffice(tmp_path, settings=SETTINGS) as office:
        context = of_version(office.context(), version)
        before = visit(office.addresses["pop3s"], context, None)
        office.signal(signal.SIGHUP)
        office.log.wait_for("ready", count=2)
        fresh = visit(office.addresses["pop3s"], context, before.session)
        assert not fresh.resumed
        assert visit(office.addresses["pop3s"], context, fresh.session).resumed


def test_with_client_certificates(tmp_path: Path, version: ssl.TLSVersion) -> None:
    people = trustme.CA()
    people.cert_pem.write_to_path(tmp_path / "people.pem")
    asked = {"client_certificates": "required", "client_ca": str(tmp_path / "people.pem")}
    with PostOffice(tmp_path, settings={**SETTINGS, "tls": asked}) as office:
        context = of_version(office.context(), version)
        people.issue_cert("alice@example.org").configure_cert(context)
        first = visit(office.addresses["pop3s"], context, None)
        seen: set[int] = set()
        while len(seen) < 2:
            again = visit(office.addresses["pop3s"], context, first.session)
            assert again.resumed
            seen.add(again.worker)


def test_handshakes_per_second_with_and_without(
    tmp_path: Path, version: ssl.TLSVersion, record_property: Callable[[str, object], None]
) -> None:
    """Told, not asserted (machines differ); that they are resumed is."""
    rounds = 100
    settings: Settings = {**SETTINGS, "server": {"hostname": "localhost", "workers": 1}}
    with PostOffice(tmp_path, settings=settings) as office:
        context = of_version(office.context(), version)
        address = office.addresses["pop3s"]
        session = visit(address, context, None).session
        rates: dict[bool, float] = {}
        for resumed in (False, True):
            before = cpu_seconds(office.workers())
            for _ in range(rounds):
                seen = visit(address, context, session if resumed else None)
                assert seen.resumed is resumed
                session = seen.session
            rates[resumed] = rounds / (cpu_seconds(office.workers()) - before)
    figures = f"{rates[False]:,.0f} whole, {rates[True]:,.0f} resumed"
    record_property(
        "measured", f"{version.name} handshakes a second of the server's CPU: {figures}"
    )
