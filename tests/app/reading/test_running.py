"""Page and services side by side, on real sockets; and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pillarbox.app.reading.running import SIGNALS, Service, kept, run
from pillarbox.reader.news import OutboxChanged
from pillarbox.reader.web.files import files
from pillarbox.reader.web.server import PageServer
from pillarbox.reader.web.site import make_site
from tests.postoffice import PATIENCE
from tests.reader.desk import make_desk


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Running:
    """A reader whose page has one slow request more."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.entered, self.go_on = asyncio.Event(), asyncio.Event()
        self.desk = make_desk()
        site = make_site(self.desk)
        self.clients: list[object] = []
        site.router.routes[:0] = [Route("/slow", self._slow), Route("/client", self._client)]
        self.sockets = [socket.create_server(("127.0.0.1", 0))]
        self.page = PageServer(site, self.sockets)
        self.url = f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"

    async def _slow(self, _: Request) -> Response:
        self.entered.set()
        await self.go_on.wait()
        self.ended.append("request")
        return PlainTextResponse("done")

    async def _client(self, request: Request) -> Response:
        self.clients.append(request.scope["client"])
        return PlainTextResponse("done")

    async def service(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append("service")

    @asynccontextmanager
    async def __call__(self, *more: Service) -> AsyncIterator[asyncio.Task[None]]:
        ready = asyncio.Event()
        services = [self.service, *more]
        task = asyncio.create_task(run(self.page, services, self.desk.news, ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield task
        finally:
            if not task.done():
                os.kill(os.getpid(), signal.SIGTERM)
            await task


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
async def test_an_open_page_does_not_hold_up_the_end(number: signal.Signals) -> None:
    running = Running()
    async with (
        running() as task,
        httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as browser,
    ):
        async with browser.stream("GET", "/events") as events:
            lines = events.aiter_lines()
            assert (await anext(lines)).startswith("retry:")
            running.desk.news.tell(OutboxChanged())
            while (line := await anext(lines)) != "event: outbox":
                assert not line
            os.kill(os.getpid(), number)
            assert [line async for line in lines if line.startswith("event")] == []
        await task
    assert running.ended == ["service"]


async def test_a_connection_has_the_same_object_for_its_client_all_the_time() -> None:
    """So that a later one from the same port is not taken for it: :class:`pillarbox.reader.web.whose.Connections`."""
    running = Running()
    async with running(), httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as browser:
        for _ in range(2):
            assert (await browser.get("/client")).text == "done"
    first, second = running.clients
    assert first is second


async def test_a_request_that_runs_is_finished_before_services_end() -> None:
    running = Running()
    async with (
        running() as task,
        httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as browser,
    ):
        slow = asyncio.create_task(browser.get("/slow"))
        await running.entered.wait()
        os.kill(os.getpid(), signal.SIGINT)
        running.go_on.set()
        assert (await slow).text == "done"
        await task
        with pytest.raises(httpx.ConnectError):
            await httpx.AsyncClient(timeout=PATIENCE).get(running.url)
    assert running.ended == ["request", "service"]


async def test_the_second_signal_is_not_held_back() -> None:
    running = Running()
    async with running() as task:
        os.kill(os.getpid(), signal.SIGTERM)
        await task
        assert {signal.getsignal(number) for number in SIGNALS} == {signal.SIG_DFL}


async def test_a_service_that_fails_begins_again_and_the_page_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pillarbox.app.reading.running.PAUSE", 0)
    running, twice = Running(), asyncio.Event()
    begun = 0

    async def fails() -> None:
        nonlocal begun
        begun += 1
        if begun > 1:
            twice.set()
        raise RuntimeError("a defect")

    async with running(fails), httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as browser:
        await twice.wait()
        assert (await browser.get(files().url_of("base.css"))).status_code == 200


async def test_a_service_that_fails_waits_before_it_begins_again() -> None:
    waited: list[float] = []

    async def fails() -> None:
        if len(waited) < 3:
            raise OSError

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    await kept(fails, sleep)
    assert waited == [30.0] * 3


async def test_a_page_that_cannot_be_served_is_an_error() -> None:
    running = Running()
    running.sockets[0].close()
    with pytest.raises(OSError):
        async with running() as task:
            await task
