"""The scripted server, obedient: what follows is measured against this."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, Case
from tests.fetch.hostile.server import HostileServer


@pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
@pytest.mark.parametrize("pipelining", [False, True], ids=["in turn", "pipelined"])
@pytest.mark.parametrize("piece", [0, 1, 7])
async def test_all_is_collected(
    tmp_path: Path, server: HostileServer, rules: Rules, pipelining: bool, piece: int
) -> None:
    server.piece = piece
    if pipelining:
        server.capabilities.append("PIPELINING")
    case = Case(tmp_path, server, rules)
    outcome = await case.run()
    assert outcome.error is None
    assert outcome.totals.retrieved == 3
    assert outcome.totals.deleted == (3 if rules is DELETE else 0)
    case.assert_done()
    assert len(server.sessions) == 1
    await case.assert_settled()
