"""Discovery with a DNS and a web of the test's own: what is found, trusted, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pillarbox.client.discovery import Candidate, Servers, Source, discover, discover_both
from pillarbox.client.endpoint import Security
from pillarbox.client.errors import InvalidSetting, Unreachable
from pillarbox.client.srv import Srv

ALICE = "alice@example.org"
OWN = "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=alice@example.org"
WELL_KNOWN = "https://example.org/.well-known/autoconfig/mail/config-v1.1.xml"
ISPDB = "https://autoconfig.thunderbird.net/v1.1/example.org"


class World:
    """A DNS and a web."""

    def __init__(self) -> None:
        self.dns: dict[str, Sequence[Srv] | Exception] = {}
        self.web: dict[str, bytes] = {}
        self.looked_up: list[str] = []
        self.fetched: list[str] = []

    async def resolver(self, name: str) -> Sequence[Srv]:
        self.looked_up.append(name)
        answer = self.dns.get(name, ())
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def fetcher(self, url: str) -> bytes | None:
        self.fetched.append(url)
        return self.web.get(url)

    async def discover(self, address: str = ALICE) -> list[Candidate]:
        return await discover(address, resolver=self.resolver, fetcher=self.fetcher)

    async def published(self, address: str = ALICE) -> list[str]:
        """What is no guess, by URL without the user, with its source and marks."""
        return [brief(c) for c in await self.discover(address) if c.source is not Source.GUESS]


def brief(candidate: Candidate) -> str:
    scheme, _, rest = str(candidate.endpoint).partition("://")
    marks = [" confirm"] * candidate.confirm + [" oauth2"] * candidate.oauth2
    return f"{scheme}://{rest.rpartition('@')[2]} {candidate.source}{''.join(marks)}"


def document(*servers: tuple[str, int, str], more: str = "") -> bytes:
    rows = "".join(
        f'<incomingServer type="pop3"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{socket}</socketType>{more}</incomingServer>"
        for host, port, socket in servers
    )
    start = '<clientConfig version="1.1"><emailProvider id="example.org">'
    return f"{start}{rows}</emailProvider></clientConfig>".encode()


@pytest.fixture
def world() -> World:
    return World()


async def test_both_services_are_asked_for(world: World) -> None:
    await world.discover()
    assert sorted(world.looked_up) == ["_pop3._tcp.example.org", "_pop3s._tcp.example.org"]


async def test_records_by_priority_then_weight_and_tls_from_the_start_first(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = [
        Srv(20, 0, 995, "c.example.org."),
        Srv(10, 1, 995, "b.example.org."),
        Srv(10, 9, 4995, "a.example.org."),
    ]
    world.dns["_pop3._tcp.example.org"] = [Srv(0, 0, 110, "a.example.org.")]
    assert await world.published() == [
        "pop3s://a.example.org:4995 srv",
        "pop3s://b.example.org srv",
        "pop3s://c.example.org srv",
        "pop3://a.example.org srv",
    ]


@pytest.mark.parametrize(
    ("target", "confirm"),
    [
        ("example.org.", False),
        ("pop.example.org.", False),
        ("a.b.EXAMPLE.org.", False),
        ("pop.example.net.", True),
        ("badexample.org.", True),
        ("example.org.evil.example.", True),
        ("org.", True),
    ],
)
async def test_rfc6186_a_target_outside_the_domain_has_to_be_confirmed(
    world: World, target: str, confirm: bool
) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 995, target)]
    (found,) = [c for c in await world.discover() if c.source is Source.SRV]
    assert found.confirm is confirm


async def test_what_has_to_be_confirmed_comes_behind_what_is_trusted(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 995, "pop.elsewhere.example.")]
    world.dns["_pop3._tcp.example.org"] = [Srv(9, 0, 110, "pop.example.org.")]
    world.web[WELL_KNOWN] = document(("pop.provider.example", 995, "SSL"))
    assert await world.published() == [
        "pop3s://pop.provider.example autoconfig",
        "pop3://pop.example.org srv",
        "pop3s://pop.elsewhere.example srv confirm",
    ]


async def test_a_document_confirms_what_the_dns_says(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 995, "pop.provider.example.")]
    world.web[OWN] = document(
        ("pop.provider.example", 995, "SSL"), more="<username>alice-7</username>"
    )
    found = [c for c in await world.discover() if c.source is not Source.GUESS]
    assert [brief(c) for c in found] == ["pop3s://pop.provider.example autoconfig"]
    assert found[0].endpoint.user == "alice-7"


async def test_a_dot_means_not_offered_and_then_it_is_no_candidate_whoever_says_so(
    world: World,
) -> None:
    world.dns["_pop3._tcp.example.org"] = [Srv(0, 0, 0, ".")]
    world.web[OWN] = document(("pop.example.org", 110, "STARTTLS"), ("pop.example.org", 995, "SSL"))
    found = await world.discover()
    assert {c.endpoint.security for c in found} == {Security.IMPLICIT_TLS}


async def test_a_domain_that_offers_no_pop3_at_all_has_no_candidates(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 0, ".")]
    world.dns["_pop3._tcp.example.org"] = [Srv(0, 0, 0, ".")]
    assert await world.discover() == []


@pytest.mark.parametrize("target", ["", "not a name.", "-.example.org.", "a" * 64 + "."])
async def test_records_that_make_no_sense_are_left_out(world: World, target: str) -> None:
    world.dns["_pop3s._tcp.example.org"] = [
        Srv(0, 0, 995, target),
        Srv(1, 0, 995, "pop.example.org."),
    ]
    assert await world.published() == ["pop3s://pop.example.org srv"]


async def test_a_dns_that_does_not_answer_is_no_news(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = Unreachable("no DNS")
    world.dns["_pop3._tcp.example.org"] = Unreachable("no DNS")
    world.web[OWN] = document(("pop.example.org", 995, "SSL"))
    assert await world.published() == ["pop3s://pop.example.org autoconfig"]


async def test_the_providers_own_host_goes_before_its_well_known_document(world: World) -> None:
    world.web[OWN] = document(("own.example.org", 995, "SSL"))
    world.web[WELL_KNOWN] = document(("known.example.org", 995, "SSL"))
    assert await world.published() == ["pop3s://own.example.org autoconfig"]
    assert ISPDB not in world.fetched


async def test_a_page_that_is_no_document_makes_way_for_the_next(world: World) -> None:
    world.web[OWN] = b"<html><body>Nothing here, but welcome!</body></html>"
    world.web[WELL_KNOWN] = document(("known.example.org", 995, "SSL"))
    assert await world.published() == ["pop3s://known.example.org autoconfig"]


async def test_mozillas_collection_is_asked_last_and_learns_only_the_domain(world: World) -> None:
    world.web[ISPDB] = document(
        ("pop.provider.example", 995, "SSL"), more="<authentication>OAuth2</authentication>"
    )
    assert await world.published() == ["pop3s://pop.provider.example ispdb oauth2"]
    assert world.fetched[-1] == ISPDB
    assert not any("alice" in url for url in world.fetched if "example.org/" not in url)


async def test_mozillas_collection_can_confirm_what_the_dns_says(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 995, "pop.provider.example.")]
    world.web[ISPDB] = document(("pop.provider.example", 995, "SSL"))
    assert await world.published() == ["pop3s://pop.provider.example ispdb"]


async def test_mozillas_collection_is_not_asked_when_the_domain_speaks_for_itself(
    world: World,
) -> None:
    world.dns["_pop3s._tcp.example.org"] = [Srv(0, 0, 995, "pop.example.org.")]
    assert await world.published() == ["pop3s://pop.example.org srv"]
    assert ISPDB not in world.fetched


async def test_nothing_is_ever_fetched_in_cleartext(world: World) -> None:
    await world.discover()
    assert len(world.fetched) == 3
    assert all(url.startswith("https://") for url in world.fetched)


async def test_nobody_can_lower_the_security(world: World) -> None:
    for url in (OWN, WELL_KNOWN, ISPDB):
        world.web[url] = document(
            ("plain.example.org", 110, "plain"), ("plain.example.org", 995, "plain")
        )
    found = await world.discover()
    assert found
    assert all(c.endpoint.security is not Security.CLEARTEXT for c in found)
    assert not any(c.endpoint.host == "plain.example.org" for c in found)


async def test_guesses_come_last_and_say_that_they_are(world: World) -> None:
    world.web[OWN] = document(("pop.example.org", 110, "STARTTLS"))
    found = await world.discover()
    assert [brief(c) for c in found] == [
        "pop3://pop.example.org autoconfig",
        "pop3s://pop.example.org guess",
        "pop3s://pop3.example.org guess",
        "pop3s://mail.example.org guess",
        "pop3s://example.org guess",
        "pop3://pop3.example.org guess",
        "pop3://mail.example.org guess",
        "pop3://example.org guess",
    ]
    assert {c.endpoint.user for c in found} == {ALICE}


async def test_steps_can_be_left_out() -> None:
    found = await discover(ALICE, resolver=None, fetcher=None)
    assert {c.source for c in found} == {Source.GUESS}


async def test_an_international_domain_is_asked_for_in_a_labels(world: World) -> None:
    world.dns["_pop3s._tcp.xn--bcher-kva.example"] = [Srv(0, 0, 995, "pop.xn--bcher-kva.example.")]
    (found,) = [c for c in await world.discover("jörg@Bücher.example") if c.source == "srv"]
    assert found.endpoint.host == "pop.xn--bcher-kva.example"
    assert found.endpoint.user == "jörg@Bücher.example"
    assert all(url.isascii() for url in world.fetched)


@pytest.mark.parametrize(
    "address",
    ["", "alice", "@example.org", "alice@", "alice@exa mple.org", "alice@192.0.2.1", "a\n@h.org"],
)
async def test_what_is_no_address(world: World, address: str) -> None:
    with pytest.raises(InvalidSetting, match="not a mail address; one looks like") as caught:
        await world.discover(address)
    assert str(caught.value).isprintable()
    assert not world.looked_up
    assert not world.fetched


async def test_an_error_that_is_not_foreseen_ends_all_steps(world: World) -> None:
    world.dns["_pop3s._tcp.example.org"] = InvalidSetting("no dnspython")

    async def fetcher(_: str) -> bytes | None:
        await asyncio.Event().wait()
        return None

    with pytest.raises(InvalidSetting):
        await discover(ALICE, resolver=world.resolver, fetcher=fetcher)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        with pytest.raises(asyncio.CancelledError):
            await task


# Where mail is given to be sent.

BOTH = b"""<clientConfig version="1.1"><emailProvider id="example.org">
<incomingServer type="pop3"><hostname>pop.example.org</hostname><port>995</port>
<socketType>SSL</socketType></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.%EMAILDOMAIN%</hostname><port>587</port>
<socketType>STARTTLS</socketType><username>%EMAILLOCALPART%</username>
<authentication>OAuth2</authentication></outgoingServer>
<outgoingServer type="smtp"><hostname>open.example.org</hostname><port>25</port>
<socketType>plain</socketType></outgoingServer>
</emailProvider></clientConfig>"""


async def both(world: World, address: str = ALICE) -> Servers:
    return await discover_both(address, resolver=world.resolver, fetcher=world.fetcher)


async def exits(world: World) -> list[str]:
    return [
        f"{c.host}:{c.port} {c.security} {c.source}{' confirm' * c.confirm}{' oauth2' * c.oauth2}"
        for c in (await both(world)).submit
        if c.source is not Source.GUESS
    ]


async def test_rfc8314_records_of_submission_tls_from_the_start_first(world: World) -> None:
    world.dns["_submission._tcp.example.org"] = [Srv(0, 0, 587, "smtp.example.org.")]
    world.dns["_submissions._tcp.example.org"] = [
        Srv(5, 0, 465, "b.example.org."),
        Srv(1, 0, 465, "a.example.org."),
        Srv(0, 0, 465, "smtp.elsewhere.example."),
    ]
    assert await exits(world) == [
        "a.example.org:465 tls srv",
        "b.example.org:465 tls srv",
        "smtp.example.org:587 stls srv",
        "smtp.elsewhere.example:465 tls srv confirm",
    ]
    assert len(world.looked_up) == 4


async def test_a_document_describes_both_and_is_fetched_once(world: World) -> None:
    world.web[OWN] = BOTH
    found = await both(world)
    assert brief(found.collect[0]) == "pop3s://pop.example.org autoconfig"
    first = found.submit[0]
    assert first[:4] == ("smtp.example.org", 587, Security.STLS, "alice")
    assert (first.source, first.confirm, first.oauth2) == (Source.AUTOCONFIG, False, True)
    assert world.fetched.count(OWN) == 1
    assert ISPDB not in world.fetched


async def test_the_collection_is_asked_once_for_what_nobody_else_says(world: World) -> None:
    world.web[OWN] = document(("pop.example.org", 995, "SSL"))
    world.web[ISPDB] = BOTH
    found = await both(world)
    assert [c.source for c in found.collect if c.endpoint.host == "pop.example.org"] == [
        Source.AUTOCONFIG,
        Source.GUESS,
    ]
    assert found.submit[0].source is Source.ISPDB
    assert world.fetched.count(ISPDB) == 1


async def test_a_domain_that_takes_no_mail_to_be_sent(world: World) -> None:
    for service in ("_submission", "_submissions"):
        world.dns[f"{service}._tcp.example.org"] = [Srv(0, 0, 0, ".")]
    found = await both(world)
    assert found.submit == []
    assert found.collect


async def test_guesses_for_sending_always_have_tls(world: World) -> None:
    found = await both(world)
    assert [(c.host, c.port, str(c.security)) for c in found.submit] == [
        ("smtp.example.org", 465, "tls"),
        ("mail.example.org", 465, "tls"),
        ("example.org", 465, "tls"),
        ("smtp.example.org", 587, "stls"),
        ("mail.example.org", 587, "stls"),
        ("example.org", 587, "stls"),
    ]
    assert {c.user for c in found.submit} == {ALICE}


async def test_what_is_no_address_has_no_servers(world: World) -> None:
    with pytest.raises(InvalidSetting, match="not a mail address"):
        await both(world, "alice")
