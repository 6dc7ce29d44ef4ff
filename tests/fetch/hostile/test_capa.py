"""CAPA: refused, ignored, hung up on, and full of nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.fetch.rules import Rules
from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.server import Cut, HostileServer, Rule, Said


def hang_up(_: Said) -> bytes:
    raise Cut


def say_nothing(_: Said) -> bytes:
    return b""


def begin_and_stop(_: Said) -> bytes:
    return b"+OK\r\nUSER\r\n"


def babble(_: Said) -> bytes:
    return b"what do you mean?\r\n"


def refuse(_: Said) -> bytes:
    return b"-ERR unknown command\r\n"


def after_sign_in(rule: Rule) -> Rule:
    return lambda said: rule(said) if said.session.signed_in else None


ANSWERS = pytest.mark.parametrize("answer", [hang_up, say_nothing, begin_and_stop, babble, refuse])


@ANSWERS
@pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])
async def test_capa_goes_wrong(
    tmp_path: Path, server: HostileServer, answer: Rule, rules: Rules
) -> None:
    server.instead["CAPA"] = answer
    case = Case(tmp_path, server, rules, timeout=SOON)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()
    await case.assert_settled()


@ANSWERS
async def test_capa_goes_wrong_behind_the_sign_in(
    tmp_path: Path, server: HostileServer, answer: Rule
) -> None:
    """What it announced before is still true."""
    server.mechanisms = ["PLAIN"]
    server.instead["CAPA"] = after_sign_in(answer)
    case = Case(tmp_path, server, timeout=SOON)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()
    assert "USER alice" not in server.commands, "it has said that it can do better"


async def test_capa_full_of_nonsense(tmp_path: Path, server: HostileServer) -> None:
    server.instead["CAPA"] = lambda _: (
        b"+OK\r\n\r\n \r\nuidl\r\nLOGIN-DELAY soon\r\nSASL\r\nEXPIRE\r\n\xff\xfe\r\n"
        b"SASL NOBODY-KNOWS plain\r\n" + b"X" * 10_000 + b"\r\n.\r\n"
    )
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()
    assert any(line.startswith("AUTH PLAIN") for line in server.commands)
