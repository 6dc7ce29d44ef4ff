"""Servers in pairs, and in words."""

from __future__ import annotations

import pytest

from pillarbox.app.reading.discovering import find_servers, in_pairs
from pillarbox.client.discovery import Candidate, Server, Servers, Source
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import InvalidSetting
from pillarbox.reader import submission

TLS = Security.IMPLICIT_TLS


def pop(host: str, source: Source, *, confirm: bool = False, oauth2: bool = False) -> Candidate:
    return Candidate(Endpoint(host, 995, TLS, "a@b.example"), source, confirm, oauth2)


def smtp(host: str, source: Source, *, confirm: bool = False) -> Server:
    return Server(host, 465, TLS, "a@b.example", source, confirm)


def test_who_knows_the_one_is_asked_for_the_other() -> None:
    servers = Servers(
        [pop("p1", Source.AUTOCONFIG, oauth2=True), pop("p2", Source.GUESS)],
        [smtp("s2", Source.GUESS), smtp("s1", Source.AUTOCONFIG)],
    )
    first, second = in_pairs(servers)
    assert first.submit is not None
    assert (first.collect.host, first.submit.host, first.source) == ("p1", "s1", "your provider")
    assert first.submit.security is submission.Security.TLS
    assert first.oauth
    assert second.submit is not None
    assert second.submit.host == "s2"
    assert "guess" in second.source


def test_nobody_knows_where_to_send() -> None:
    (found,) = in_pairs(Servers([pop("p", Source.SRV)], []))
    assert found.submit is None


@pytest.mark.parametrize(("collecting", "sending"), [(True, False), (False, True), (False, False)])
def test_a_password_goes_nowhere_unasked(*, collecting: bool, sending: bool) -> None:
    """Whichever of the two is outside of the domain, the user is asked."""
    servers = Servers(
        [pop("p", Source.SRV, confirm=collecting)], [smtp("s", Source.SRV, confirm=sending)]
    )
    (found,) = in_pairs(servers)
    assert found.confirm is (collecting or sending)


async def test_no_address() -> None:
    with pytest.raises(InvalidSetting, match="not a mail address"):
        await find_servers("alice")
