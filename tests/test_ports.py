"""Ports that the tests give out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports
from tests.ports import free_port
from tests.postoffice import HOST

_ASK = "from tests.ports import free_port; print(*(free_port() for _ in range(200)))"


def test_none_is_given_out_twice_or_chosen_by_the_system() -> None:
    given = {free_port() for _ in range(200)}
    assert len(given) == 200
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(given) < first


def test_one_at_which_somebody_listens_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is only for one address of this machine."""
    taken, free = free_port(), free_port()
    monkeypatch.setattr(ports, "_ports", iter([taken, free]))
    with socket.create_server((HOST, taken)):
        assert free_port() == free


@pytest.mark.parametrize(("one", "other"), [("gw0", "gw1"), ("gw7", "")])
def test_processes_of_one_run_have_ports_of_their_own(one: str, other: str) -> None:
    given: list[set[str]] = []
    for worker in (one, other):
        env = os.environ | {"PYTEST_XDIST_WORKER": worker}
        done = subprocess.run(
            [sys.executable, "-c", _ASK], env=env, capture_output=True, text=True, check=True
        )
        given.append(set(done.stdout.split()))
    assert not given[0] & given[1]
