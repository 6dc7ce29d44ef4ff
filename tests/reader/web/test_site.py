"""The pages as a whole: layout, files, errors."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Scope

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import NoSuchFolder, NotSendable
from pillarbox.reader.web import pages
from pillarbox.reader.web import site as site_module
from pillarbox.reader.web.files import STATIC, files
from pillarbox.reader.web.pages import compile_all, make_environment, page
from tests.reader.desk import Quiet, make_desk, site_of, visitor


async def test_the_root_leads_to_the_inbox() -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, "/mail/Inbox")


async def test_no_page_waits_for_its_templates_once_all_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = make_desk()
    environment = make_environment(desk.clock)
    made: list[str] = []
    compile_one = environment.compile

    def note(source: Any, name: str | None = None, *rest: Any, **more: Any) -> Any:
        made.append(name or "")
        return compile_one(source, name, *rest, **more)

    monkeypatch.setattr(environment, "compile", note)
    compile_all(environment)
    assert sorted(made) == sorted(environment.list_templates())
    assert made.index("lists/list.html") < made.index("accounts/all.html")
    before = len(made)
    monkeypatch.setattr(site_module, "make_environment", lambda _: environment)
    async with visitor(desk) as browser:
        assert (await browser.get("/settings")).status_code == 200
    assert len(made) == before


async def test_an_upgrade_under_a_running_reader_changes_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "TEMPLATES", tmp_path)
    template = tmp_path / "one.html"
    template.write_text("{% include 'sheet.css' %} before")
    sheet = tmp_path / "sheet.css"
    sheet.write_text("style")
    environment = make_environment(make_desk().clock)
    compile_all(environment)
    template.write_text("{{ what_only_the_new_program_has }}")
    os.utime(template, (0, 0))
    sheet.unlink()
    assert environment.get_template("one.html").render() == "style before"


async def test_an_address_that_leads_nowhere_says_so_in_words() -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get("/nowhere")
    assert reply.status_code == 404
    assert "There is no such page" in reply.text
    assert 'id="folders"' in reply.text


async def test_an_address_that_only_takes_forms_says_so_in_words() -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get("/do/archive")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert "is for what a page sends" in reply.text
    assert "Method" not in reply.text


def _site_that_fails(monkeypatch: pytest.MonkeyPatch, desk: Desk, error: Exception) -> None:
    made = site_module.make_site

    async def fail(_: Request) -> Response:
        raise error

    def with_failure(desk: Desk) -> Starlette:
        site = made(desk)
        site.router.routes.append(Route("/fail", fail))
        return site

    monkeypatch.setattr("tests.reader.desk.make_site", with_failure)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoSuchFolder("There is no folder <Taxes>."), 404),
        (NotSendable("Nobody is named as recipient."), 409),
    ],
)
async def test_what_is_wrong_is_said_as_it_is(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    desk = make_desk()
    _site_that_fails(monkeypatch, desk, error)
    async with visitor(desk) as browser:
        plain = await browser.get("/fail")
        by_script = await browser.get("/fail", headers={"HX-Request": "true"})
    said = str(error).replace("<", "&lt;").replace(">", "&gt;")
    assert plain.status_code == by_script.status_code == status
    assert said in plain.text
    assert "HX-Trigger" not in plain.headers
    assert json.loads(by_script.headers["HX-Trigger"]) == {"trouble": {"say": str(error)}}


@pytest.mark.parametrize("path", ["/fail", "/nowhere"])
async def test_a_defect_shows_nothing_of_itself_even_if_every_page_has_it(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    class Broken(Quiet):
        def folders(self) -> NoReturn:
            raise RuntimeError("secret detail")

    desk = make_desk(library=Broken())
    _site_that_fails(monkeypatch, desk, RuntimeError("secret detail"))
    async with visitor(desk) as browser:
        reply = await browser.get(path)
    assert "secret detail" not in reply.text
    assert "<h1>" in reply.text


async def test_everything_that_the_layout_names_is_there_and_kept_by_the_browser() -> None:
    async with visitor(make_desk()) as browser:
        html = (await browser.get("/nowhere")).text
        named = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', html))
        assert any("htmx" in each for each in named)
        for each in named:
            reply = await browser.get(each)
            assert reply.status_code == 200, each
            assert "immutable" in reply.headers["cache-control"], each
            assert reply.content == (STATIC / each.split("/", 3)[3]).read_bytes()


async def test_all_modules_are_named_so_that_none_is_waited_for() -> None:
    async with visitor(make_desk()) as browser:
        html = (await browser.get("/nowhere")).text
    ours = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")}
    named = re.findall(r'(?:modulepreload" href|module" src)="/static/[0-9a-f]+/([^"]+)"', html)
    assert sorted(named) == sorted(ours - {"vendor/htmx.min.js"})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("base.css", "text/css; charset=utf-8"),
        ("lists/rows.js", "text/javascript; charset=utf-8"),
        ("icons.svg", "image/svg+xml"),
    ],
)
async def test_a_browser_is_told_what_a_file_is(name: str, kind: str) -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get(files().url_of(name))
    assert reply.headers["content-type"] == kind


async def test_a_page_of_an_older_version_gets_what_there_is_and_asks_each_time() -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get("/static/0123456789ab/toasts.js")
    assert reply.content == (STATIC / "toasts.js").read_bytes()
    assert reply.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "none.css",
        "..%2fsite.py",
        "%2e%2e/templates/layout.html",
        "/etc/passwd",
        "vendor/README.md",
        "lists",
        "",
    ],
)
async def test_nothing_else_is_served(path: str) -> None:
    async with visitor(make_desk()) as browser:
        reply = await browser.get(f"/static/{files().version}/{path}")
    assert reply.status_code == 404


async def test_nothing_on_the_page_needs_more_than_the_policy_allows() -> None:
    async with visitor(make_desk()) as browser:
        html = (await browser.get("/nowhere")).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:", html)
    assert not re.search(r'(?:href|src|action)="(?!/|#)', html)


async def test_a_page_is_not_rendered_with_what_is_missing() -> None:
    desk = make_desk()
    site = site_module.make_site(desk)
    environment = site.state.templates
    with pytest.raises(Exception, match="heading"):
        environment.get_template("alone.html").render(said="x")


async def test_which_pane_a_phone_shows_is_in_the_address() -> None:
    desk = make_desk()
    site = site_module.make_site(desk)

    async def view(query: bytes) -> str:
        scope = {"type": "http", "path": "/x", "query_string": query, "headers": [], "app": site}
        reply = await page(Request(scope), "problem.html", heading="h", said="s")
        (shown,) = re.findall(r'data-view="(\w+)"', bytes(reply.body).decode())
        return str(shown)

    assert await view(b"") == "list"
    assert await view(b"first=10&m=abc") == "message"


def test_htmx_is_the_one_that_the_note_names() -> None:
    named = re.search(r"`htmx.min.js`.*`([0-9a-f]{64})`", (STATIC / "vendor/README.md").read_text())
    assert named
    content = (STATIC / "vendor/htmx.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == named[1]
    assert "Zero-Clause BSD" in (STATIC / "vendor/htmx.LICENSE").read_text()


def test_every_icon_that_a_template_names_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text()))
    named = {
        name
        for template in (STATIC.parent / "templates").rglob("*.html")
        for name in re.findall(r"\bicon\(\s*[\"']([\w-]+)[\"']", template.read_text())
    }
    assert named <= drawn


async def test_who_collects_without_scripts_comes_back_to_the_page_that_they_looked_at() -> None:
    async with visitor(make_desk()) as browser:
        shown = (await browser.get("/settings?saved=1")).text
        not_gone_to = (await browser.post("/settings", data={"trash_days": "never"})).text
    assert 'name="back" value="/settings?saved=1"' in shown
    assert 'action="/collect"' in not_gone_to
    assert 'name="back"' not in not_gone_to


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
async def test_a_page_that_is_left_while_it_saves_is_no_error(kind: str) -> None:
    """The log had a traceback for each."""
    messages: list[Message] = [
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(_: Message) -> None:
        """Nobody reads it."""

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/compose/d1/save",
        "query_string": b"",
        "headers": [(b"content-type", kind.encode()), (b"hx-request", b"true")],
    }
    await site_of(make_desk())(
        scope, receive, send
    )  # what it raises the server writes into its log
    assert messages == []
