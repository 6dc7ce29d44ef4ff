"""Stands in front of all pages: who may come in, and what every reply says to the browser.

==========================  ==================================================================
another web site            is not let in: Host must be ours (DNS rebinding), so must Origin;
                            changes carry a token that only our pages have (CSRF)
another user's program      does not have the cookie, which is random and is got by an
                            entrance (a token for one use) or by the password; a token
                            that was seen on its way to the browser is of no use to it, nor
                            is a cookie that the browser has shown to another port
what a message brings       cannot run, load or send anything: Content-Security-Policy
what lies in the browser    is not kept there: no-store
==========================  ==================================================================

Pure ASGI, so that long replies and long bodies pass through as they come.
"""

from __future__ import annotations

import hmac
import json
import math
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from pillarbox.peers import network_of, peer_of
from pillarbox.reader.web.bodies import FORM, announced, limit_of, token_of
from pillarbox.reader.web.door import Door
from pillarbox.reader.web.files import is_file
from pillarbox.reader.web.pages import SIGNED_OUT, back, off_loop
from pillarbox.reader.web.password import Password
from pillarbox.reader.web.whose import Connections, is_anothers

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Of every page that has none of its own."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers send `Origin: null` with forms
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "no-store",
}
"""Of every reply, unless it says otherwise."""

_SAFE = ("GET", "HEAD", "OPTIONS")
_NOT_OURS = (
    "This is not the address of Pillarbox",
    "Open it by the address that `pillarbox read` has printed.",
)
_ELSEWHERE = (
    "This came from another page",
    "Pillarbox does nothing that another site asks for. Go back to your mail and do it there.",
)
_STALE = (
    "This page is too old",
    "It was open before Pillarbox was set up anew. Nothing was changed: reload the page, and do it again.",
)
_TOO_LARGE = ("This is too large", "Pillarbox does not take so much at once. Nothing was changed.")
_LOCKED, _ENTRANCE = "/login", "/enter"


class Guard:
    """Lets through to *site* who may come in by *door*."""

    def __init__(self, site: Starlette, door: Door) -> None:
        self._site = site
        self._door = door
        self._connections = Connections(door.own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._site(scope, receive, send)
            return
        send = _with_headers(send)
        scope["csrf"] = self._door.csrf
        scope["told"] = self._site.state.desk.news.told
        scope["locked"] = self._door.password is not None
        request = Request(scope, receive)
        response = self._not_for_us(request) or await self._at_the_door(request)
        if response is None and request.method not in _SAFE:
            limit = limit_of(scope)
            receive, response = await self._change(request, limit)
            inner = RequestBodyLimitMiddleware(self._site, limit)
            await (response or inner)(scope, receive, send)
            return
        await (response or self._site)(scope, receive, send)

    def _not_for_us(self, request: Request) -> Response | None:
        """What no page of ours has sent."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._door.is_called(hosts[0]):
            return self._say(request, *_NOT_OURS, 421)
        if request.method in _SAFE:
            return None if _may_ask(request) else self._say(request, *_ELSEWHERE, 403)
        origin = request.headers.get("origin")
        if origin is None:
            ours = request.headers.get("sec-fetch-site") == "same-origin"
        else:
            ours = origin.lower() == f"{self._door.scheme}://{hosts[0].lower()}"
        return None if ours else self._say(request, *_ELSEWHERE, 403)

    async def _at_the_door(self, request: Request) -> Response | None:
        """None: come in."""
        path = request.url.path
        if request.method in ("GET", "HEAD") and is_file(path):
            return None  # the same for everybody, and what the pages at the door look like
        inside = self._door.sessions.is_open(request.cookies.get(self._door.cookie, ""))
        inside = inside and not await self._is_anothers(request)
        if path == _ENTRANCE and request.method == "GET":
            return await self._enter(request, inside=inside)
        if path == _LOCKED and self._door.password is not None:
            return await self._log_in(request, self._door.password, inside=inside)
        if not inside:
            return self._outside(request)
        if path == "/logout" and request.method == "POST":
            return self._log_out(request)
        request.scope["inside"] = True
        return None

    async def _is_anothers(self, request: Request) -> bool:
        """Whether another user's program has sent this. Who knows a password may be anybody, and come by way of a proxy."""
        ends = request.scope.get("client"), request.scope.get("server")
        return self._door.password is None and await self._connections.is_anothers(*ends)

    async def _enter(self, request: Request, *, inside: bool) -> Response:
        token = request.query_params.get("token", "")
        ends = request.scope.get("client"), request.scope.get("server")
        if await off_loop(is_anothers, *ends, self._door.own):
            return self._outside(request)
        if await off_loop(self._door.entrances.use, token):
            return self._let_in("/")
        return back("/") if inside else self._outside(request)

    async def _log_in(self, request: Request, password: Password, *, inside: bool) -> Response:
        target = request.query_params.get("to", "/")
        if request.method != "POST":
            if inside:
                return back(target)
            return self._render(request, "login.html", 200, to=target, wrong="")
        address = network_of(peer_of(request.scope.get("client")))
        if announced(request.scope) > FORM:
            return self._say(request, *_TOO_LARGE, 413)
        async with request.form(max_part_size=FORM, max_files=0) as form:
            typed = form.get("password")
        if await password.check(typed if isinstance(typed, str) else "", address):
            return self._let_in(target)
        pause = math.ceil(password.wait(address))
        wrong = f"Too many wrong passwords. Try again in {pause} s." if pause else "That is not it."
        response = self._render(
            request, "login.html", 429 if pause else 401, to=target, wrong=wrong
        )
        if pause:
            response.headers["Retry-After"] = str(pause)
        return response

    def _let_in(self, to: str) -> Response:
        response = back(to)
        self._set_cookie(response, self._door.sessions.open())
        return response

    def _log_out(self, request: Request) -> Response:
        self._door.sessions.close(request.cookies.get(self._door.cookie, ""))
        response = back("/")
        self._set_cookie(response, "")
        return response

    def _set_cookie(self, response: Response, value: str) -> None:
        """Gone when the browser is closed; at once if *value* is empty."""
        response.set_cookie(
            self._door.cookie,
            value,
            max_age=None if value else 0,
            secure=self._door.secure,
            httponly=True,
            samesite="strict",
        )

    def _outside(self, request: Request) -> Response:
        """How to get in. A link in another program comes without the cookie, which is for our own pages: it is
        followed again, from here.
        """
        if "hx-request" not in request.headers:
            if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
                return self._render(request, "again.html", 200)
            document = request.headers.get("sec-fetch-dest", "document") == "document"
            if self._door.password is not None and request.method == "GET" and document:
                to = urlencode({"to": _asked_for(request)})
                return RedirectResponse(f"{_LOCKED}?{to}", status_code=303)
        if self._door.password is None:
            response = self._render(request, "outside.html", 401)
            trouble = {"say": "This page is not signed in. Open it again with: pillarbox read"}
        else:
            sent = "sent" if request.method == "POST" else ""
            response = self._render(request, "signed-out.html", 401, door=_LOCKED, sent=sent)
            trouble = {"say": SIGNED_OUT, "door": _LOCKED}
        response.headers["HX-Trigger"] = json.dumps({"trouble": trouble})
        return response

    async def _change(self, request: Request, limit: int) -> tuple[Receive, Response | None]:
        """Whether a change may be made: what reads its body, and what to reply if not."""
        if announced(request.scope) > limit:
            return request.receive, self._say(request, *_TOO_LARGE, 413)
        token, receive = await token_of(request.scope, request.receive, limit)
        if not hmac.compare_digest(token.encode(), self._door.csrf.encode()):
            return receive, self._say(request, *_STALE, 403)
        return receive, None

    def _say(self, request: Request, heading: str, said: str, status: int) -> Response:
        response = self._render(request, "alone.html", status, heading=heading, said=said)
        response.headers["HX-Trigger"] = json.dumps({"trouble": {"say": said}})
        return response

    def _render(self, _: Request, template: str, status: int, **context: str) -> Response:
        html = self._site.state.templates.get_template(template).render(context)
        return Response(html, status, media_type="text/html")


def _asked_for(request: Request) -> str:
    """The page, with all that its URL says. A token that has not let in is asked for no more."""
    if request.url.path == _ENTRANCE:
        return "/"
    return quote(request.scope["path"]) + (f"?{request.url.query}" if request.url.query else "")


def _may_ask(request: Request) -> bool:
    """Other sites may lead here (a link), but not load anything from here. Browsers say which it is."""
    if request.headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return True
    return (
        request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
