"""Who may come in. Requests are made as browsers make them: with Host, Origin and fetch metadata."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pillarbox.reader.model import Folder, FolderState
from pillarbox.reader.web.bodies import FORM
from pillarbox.reader.web.door import Door
from pillarbox.reader.web.entrances import Entrances
from pillarbox.reader.web.files import files
from pillarbox.reader.web.guard import HEADERS, Guard
from pillarbox.reader.web.password import FREE_TRIES, Password
from tests.reader.desk import Quiet, make_desk, site_of

ORIGIN = "http://127.0.0.1:8080"
PASSWORD = "a fine and private place"
HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Cheap: what a good one costs is seen by who starts the real command with a password."""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Secretive(Quiet):
    """A library whose folder's name is nobody else's business."""

    def folders(self) -> list[FolderState]:
        return [*super().folders(), FolderState(Folder("Secret"), "Secret", unseen=7)]


class Place:
    """A guarded site with a page that tells what arrived."""

    def __init__(self, folder: Path, **door: Any) -> None:
        self.entrances = Entrances(folder / "entrances")
        self.changes: list[bytes] = []
        self.clock = Clock()
        self._port = 123
        settings: dict[str, Any] = {"names": frozenset({"127.0.0.1", "localhost"}), "port": 8080}
        self.door = Door(**(settings | {"entrances": self.entrances, "csrf": "t0ken"} | door))
        self.site = site = site_of(make_desk(library=Secretive()))
        site.router.routes[:0] = [
            Route("/change", self._change, methods=["GET", "POST"]),
            Route("/import", self._change, methods=["POST"]),
            Route("/own", self._own),
        ]
        self.guard = Guard(site, self.door)

    async def _change(self, request: Request) -> Response:
        self.changes.append(await request.body())
        return PlainTextResponse("done")

    async def _own(self, _: Request) -> Response:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "sandbox"})

    @asynccontextmanager
    async def browser(self, *, inside: bool = True) -> AsyncIterator[httpx.AsyncClient]:
        origin = self.door.url("127.0.0.1")
        connection = ("127.0.0.1", self._port)  # an object of its own, as a server makes it
        transport = httpx.ASGITransport(self.guard, client=connection)
        async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
            client.headers["Origin"] = origin
            if inside:
                await client.get("/enter", params={"token": self.entrances.make()})
            yield client


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# The way in.


async def test_a_token_lets_in_once(place: Place) -> None:
    token = place.entrances.make()
    async with place.browser(inside=False) as first, place.browser(inside=False) as second:
        reply = await first.get("/enter", params={"token": token})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        assert (await first.get("/change")).text == "done"
        assert (await second.get("/enter", params={"token": token})).status_code == 401
        assert (await second.get("/change")).status_code == 401
        again = await first.get("/enter", params={"token": token})
        assert again.status_code == 303, "who is inside already is not shown out"


async def test_the_cookie_is_for_this_port_and_for_no_script(place: Place) -> None:
    async with place.browser(inside=False) as browser:
        reply = await browser.get("/enter", params={"token": place.entrances.make()})
    cookie = reply.headers["set-cookie"]
    assert cookie.startswith("pillarbox-8080=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


@pytest.mark.parametrize("token", ["", "x", "../../etc/passwd", "\0", "a" * 10_000, "é"])
async def test_what_is_no_token_lets_nobody_in(place: Place, token: str) -> None:
    place.entrances.make()
    async with place.browser(inside=False) as browser:
        assert (await browser.get("/enter", params={"token": token})).status_code == 401


async def test_who_is_outside_is_told_how_to_get_in(place: Place) -> None:
    async with place.browser(inside=False) as browser:
        for path in ("/", "/mail/Inbox", "/events", "/login", "/nowhere"):
            reply = await browser.get(path)
            assert reply.status_code == 401
            assert "pillarbox read" in reply.text
        by_script = await browser.get("/", headers={"HX-Request": "true"})
        assert "pillarbox read" in by_script.headers["HX-Trigger"]


async def test_outside_nothing_is_shown(place: Place) -> None:
    asked = [
        ("GET", f"/{path}") for path in ("nowhere", "static/", "static/x/y", "static/base.css")
    ]
    asked += [("GET", "/static/x/%2e%2e/%2e%2e/nowhere"), ("POST", "/static/x/y")]
    asked += [(method, "/static/x/base.css") for method in ("POST", "PUT", "OPTIONS")]
    async with place.browser(inside=False) as browser:
        browser.headers["X-CSRF"] = "t0ken"
        for method, path in asked:
            reply = await browser.request(method, path)
            assert reply.status_code == 401, path
            for secret in ("t0ken", "Secret", 'id="folders"'):
                assert secret not in reply.text, path
    async with place.browser() as browser:
        reply = await browser.get("/nowhere")
    assert "t0ken" in reply.text
    assert "Secret" in reply.text, "it would have been seen"


async def test_a_page_of_a_problem_shows_no_more_than_the_door_allows(place: Place) -> None:
    """Even if the guard should let something through that it must not."""
    transport = httpx.ASGITransport(place.site)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        for path, status in (("/nowhere", 404), ("/do/archive", 405), ("/static/x/y", 404)):
            reply = await browser.get(path)
            assert reply.status_code == status
            assert "Your mail is in the list." in reply.text
            assert "Secret" not in reply.text
            assert 'id="folders"' not in reply.text


async def test_a_link_in_another_program_is_followed_again_from_here(place: Place) -> None:
    elsewhere = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    async with place.browser(inside=False) as browser:
        reply = await browser.get("/mail/Inbox", headers=elsewhere)
        assert 'http-equiv="refresh"' in reply.text
        # A page that began with another site's link must not be taken for one that our own page has led to: a mailto link
        # of our own pages begins a draft at once.
        assert '<meta name="referrer" content="no-referrer">' in reply.text
        reply = await browser.get("/mail/Inbox", headers={"Sec-Fetch-Site": "same-origin"})
        assert "refresh" not in reply.text


async def test_logging_out_ends_the_session(place: Place) -> None:
    async with place.browser() as browser:
        kept = dict(browser.cookies)
        reply = await browser.post("/logout", data={"csrf": "t0ken"})
        assert reply.status_code == 303
        browser.cookies.update(kept)
        assert (await browser.get("/change")).status_code == 401


# Hosts.


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("LOCALHOST:8080", True),
        ("127.0.0.1", False),
        ("127.0.0.1:8081", False),
        ("evil.example:8080", False),
        ("localhost.evil.example:8080", False),
        ("127.0.0.1:8080.evil.example", False),
        ("[::1]:8080", False),
        ("", False),
        (":8080", False),
    ],
)
async def test_only_our_own_host_is_answered(place: Place, host: str, ours: bool) -> None:
    async with place.browser() as browser:
        for path in ("/change", files().url_of("base.css")):
            reply = await browser.get(path, headers={"Host": host})
            assert reply.status_code == (200 if ours else 421)


@pytest.mark.parametrize(
    ("names", "port", "secure", "host", "ours"),
    [
        ({"[::1]"}, 8080, False, "[::1]:8080", True),
        ({"[::1]"}, 80, False, "[::1]", True),
        ({"mail.example.org"}, 443, True, "mail.example.org", True),
        ({"mail.example.org"}, 443, False, "mail.example.org", False),
        ({"*.example.org"}, 443, True, "mail.example.org", True),
        ({"*.example.org"}, 443, True, "a.mail.example.org", False),
        ({"*.example.org"}, 443, True, "example.org", False),
    ],
)
def test_names_of_a_door(
    tmp_path: Path, names: set[str], port: int, secure: bool, host: str, ours: bool
) -> None:
    door = Door(frozenset(names), port, Entrances(tmp_path), "", secure=secure)
    assert door.is_called(host) is ours


# Changes.


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "http://127.0.0.1:8081"}, 403),
        ({"Origin": "https://127.0.0.1:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": None, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": None, "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": None, "Sec-Fetch-Site": "none"}, 403),
        ({"Origin": None}, 403),
    ],
)
async def test_changes_come_from_our_pages(
    place: Place, headers: dict[str, str | None], status: int
) -> None:
    async with place.browser() as browser:
        for name, value in headers.items():
            browser.headers.pop(name, None)
            if value is not None:
                browser.headers[name] = value
        reply = await browser.post("/change", data={"csrf": "t0ken"})
    assert reply.status_code == status
    assert len(place.changes) == (status == 200)


FORMS: list[tuple[dict[str, Any], int]] = [
    ({"data": {"csrf": "t0ken", "m": "a"}}, 200),
    ({"data": {"m": "a", "csrf": "t0ken"}}, 200),
    ({"data": {"csrf": "other"}}, 403),
    ({"data": {"xcsrf": "t0ken"}}, 403),
    ({"data": {"m": "csrf=t0ken"}}, 403),
    ({}, 403),
    ({"content": b"{}", "headers": {"X-CSRF": "t0ken"}}, 200),
    ({"content": b"csrf=t0ken"}, 403),
    ({"data": {"csrf": "t0ken"}, "headers": {"X-CSRF": "other"}}, 403),
    ({"data": {"csrf": "t0ken"}, "files": {"f": b"x" * 100_000}}, 200),
    ({"data": {"other": "t0ken"}, "files": {"f": b"x"}}, 403),
    ({"data": {"a": "b", "csrf": "t0ken"}, "files": {"f": b"x"}}, 403),
    ({"files": {"f": b"\r\n--x\r\nname=csrf\r\n\r\nt0ken"}}, 403),
]


@pytest.mark.parametrize(("sent", "status"), FORMS)
async def test_changes_carry_the_token(place: Place, sent: dict[str, Any], status: int) -> None:
    async with place.browser() as browser:
        request = browser.build_request("POST", "/change", **sent)
        body = await request.aread()
        reply = await browser.send(request)
    assert reply.status_code == status
    assert place.changes == ([body] if status == 200 else []), "the body is whole"


async def test_what_is_refused_is_told_to_scripts(place: Place) -> None:
    async with place.browser() as browser:
        reply = await browser.post("/change", headers={"HX-Request": "true"})
    assert "reload" in reply.headers["HX-Trigger"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_need_it_as_well(place: Place, method: str) -> None:
    async with place.browser() as browser:
        assert (await browser.request(method, "/change")).status_code == 403


async def test_a_body_that_is_too_large_is_not_read(place: Place) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with place.browser() as browser:
        token = {"X-CSRF": "t0ken"}
        announced = await browser.post("/change", content=b"x" * (FORM + 1), headers=token)
        chunked = await browser.post("/change", content=endless(), headers=token)
        without = await browser.post(
            "/change",
            content=endless(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        mail = await browser.post("/import", data={"csrf": "t0ken"}, files={"f": b"x" * (FORM + 1)})
    assert [announced.status_code, chunked.status_code] == [413, 413]
    assert without.status_code in {403, 413}
    assert mail.status_code == 200
    assert len(place.changes) == 1


# Other sites.


@pytest.mark.parametrize(
    ("site", "mode", "dest", "status"),
    [
        ("same-origin", "cors", "empty", 200),
        ("same-origin", "navigate", "iframe", 200),
        ("none", "navigate", "document", 200),
        ("cross-site", "navigate", "document", 200),
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "no-cors", "script", 403),
        ("same-site", "cors", "empty", 403),
        ("cross-site", "navigate", "iframe", 403),
    ],
)
async def test_other_sites_may_lead_here_but_load_nothing(
    place: Place, site: str, mode: str, dest: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    async with place.browser() as browser:
        assert (await browser.get("/change", headers=headers)).status_code == status


# What every reply says.


async def test_every_reply_has_the_headers(place: Place) -> None:
    async with place.browser() as browser:
        replies = [await browser.get(path) for path in ("/change", "/nowhere", "/")]
        replies.append(await browser.post("/change"))
        replies.append(await browser.get("/change", headers={"Host": "evil.example"}))
    for reply in replies:
        for name, value in HEADERS.items():
            assert reply.headers.get_list(name) == [value]


async def test_a_page_may_have_its_own_policy_and_files_are_kept(place: Place) -> None:
    async with place.browser() as browser:
        own = await browser.get("/own")
        file = await browser.get(files().url_of("base.css"))
    assert own.headers.get_list("Content-Security-Policy") == ["sandbox"]
    assert "immutable" in file.headers["Cache-Control"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"


# With a password.


@pytest.fixture
async def remote(tmp_path: Path) -> Place:
    clock = Clock()
    place = Place(tmp_path, secure=True, password=Password(HASHED, clock))
    place.clock = clock
    return place


async def test_the_password_leads_to_where_one_wanted_to_go(remote: Place) -> None:
    async with remote.browser(inside=False) as browser:
        reply = await browser.get("/mail/Inbox")
        assert reply.headers["location"] == "/login?to=%2Fmail%2FInbox"
        assert 'type="password"' in (await browser.get(reply.headers["location"])).text
        reply = await browser.post("/login?to=/change", data={"password": PASSWORD})
        assert (reply.status_code, reply.headers["location"]) == (303, "/change")
        assert reply.headers["set-cookie"].startswith("__Host-pillarbox-8080=")
        assert "Secure" in reply.headers["set-cookie"]
        assert (await browser.get("/change")).text == "done"


async def test_the_password_leads_to_the_very_message_search_or_link(remote: Place) -> None:
    """It led to the page without what was asked of it: the inbox for a message, an empty draft for a mailto: link."""
    wanted = (
        "/mail/Inbox?m=1.2",
        "/search?q=a%26b+c%23",
        "/mail/50%25%3F%20a/b?first=3",
        "/compose?mailto=mailto%3Abob%40example.org%3Fsubject%3DHi%2520there%26cc%3Dd",
    )
    async with remote.browser(inside=False) as browser:
        doors = [(await browser.get(page)).headers["location"] for page in wanted]
        reached = [
            (await browser.post(door, data={"password": PASSWORD})).headers["location"]
            for door in doors
        ]
        assert reached == list(wanted)
        # Who is inside already is not asked again.
        assert [(await browser.get(door)).headers["location"] for door in doors] == list(wanted)
        assert (await browser.get("/login")).headers["location"] == "/"


async def test_a_token_that_has_been_used_is_not_handed_on_to_the_password(remote: Place) -> None:
    async with remote.browser(inside=False) as browser:
        reply = await browser.get("/enter?token=used")
    assert reply.headers["location"] == "/login?to=%2F"


async def test_who_is_signed_out_is_led_to_the_password_and_not_to_a_terminal(
    remote: Place,
) -> None:
    """There is none on a phone. What is sent is not done, and goes on once one has signed in in another tab."""
    async with remote.browser(inside=False) as browser:
        by_script = await browser.post("/change", headers={"HX-Request": "true"})
        by_form = await browser.post("/change", data={"csrf": "t0ken"})
        in_a_frame = await browser.get("/own", headers={"Sec-Fetch-Dest": "iframe"})
    trouble = json.loads(by_script.headers["HX-Trigger"])["trouble"]
    assert trouble["door"] == "/login"
    assert "Sign in, in another tab" in trouble["say"]
    for reply in (by_script, by_form, in_a_frame):
        assert reply.status_code == 401
        assert '<a class="button primary" href="/login" target="_blank">' in reply.text
        assert "pillarbox read" not in reply.text
    assert ("typed" in by_form.text, "typed" in in_a_frame.text) == (True, False)
    assert remote.changes == []


async def test_every_page_has_a_way_out_where_a_password_is_the_way_in(remote: Place) -> None:
    """Whoever has used somebody else's browser does not find it only in the settings."""
    async with remote.browser(inside=False) as browser:
        await browser.post("/login", data={"password": PASSWORD})
        page = (await browser.get("/outbox")).text
        assert 'action="/logout"' in page.partition('<main id="main"')[0]
        reply = await browser.post("/logout", data={"csrf": "t0ken"})
        reply = await browser.get(reply.headers["location"])
        assert reply.headers["location"] == "/login?to=%2F"


async def test_elsewhere_the_settings_have_it(place: Place) -> None:
    async with place.browser() as browser:
        page = (await browser.get("/settings")).text
    assert 'action="/logout"' not in page.partition('<main id="main"')[0]
    assert 'action="/logout"' in page


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
async def test_it_leads_nowhere_else(remote: Place, to: str) -> None:
    async with remote.browser(inside=False) as browser:
        reply = await browser.post("/login", params={"to": to}, data={"password": PASSWORD})
    assert reply.headers["location"] == "/"


@pytest.mark.parametrize("typed", ["", "wrong", PASSWORD + " ", PASSWORD * 1000])
async def test_a_wrong_password(remote: Place, typed: str) -> None:
    async with remote.browser(inside=False) as browser:
        reply = await browser.post("/login", data={"password": typed})
        assert reply.status_code == 401
        assert "That is not it." in reply.text
        assert "set-cookie" not in reply.headers


async def test_who_guesses_has_to_wait_and_the_right_one_is_not_heard_meanwhile(
    remote: Place,
) -> None:
    async with remote.browser(inside=False) as browser:
        for _ in range(FREE_TRIES):
            reply = await browser.post("/login", data={"password": "wrong"})
        assert reply.status_code == 429
        assert reply.headers["retry-after"] == "2"
        reply = await browser.post("/login", data={"password": PASSWORD})
        assert reply.status_code == 429
        remote.clock.now += 2
        reply = await browser.post("/login", data={"password": PASSWORD})
        assert reply.status_code == 303


@pytest.mark.parametrize(
    ("guesser", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
    ],
)
async def test_who_counts_as_one_guesser(
    remote: Place, guesser: str, other: str, same: bool
) -> None:
    async def typed(address: str, password: str) -> int:
        transport = httpx.ASGITransport(remote.guard, client=(address, 1))
        origin = remote.door.url("127.0.0.1")
        async with httpx.AsyncClient(transport=transport, base_url=origin) as browser:
            headers = {"Origin": origin}
            reply = await browser.post("/login", data={"password": password}, headers=headers)
        return reply.status_code

    for _ in range(FREE_TRIES):
        await typed(guesser, "wrong")
    assert await typed(other, PASSWORD) == (429 if same else 303)


async def test_another_site_cannot_type_the_password(remote: Place) -> None:
    async with remote.browser(inside=False) as browser:
        reply = await browser.post(
            "/login", data={"password": PASSWORD}, headers={"Origin": "https://evil.example"}
        )
    assert reply.status_code == 403
