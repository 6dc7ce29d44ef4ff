"""Debian's Firefox, spoken to in its own protocol, Marionette; or a skip.

Its commands are those of WebDriver (https://www.w3.org/TR/webdriver2/), each a list in JSON with its length before it
(https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.postoffice import HOST, PATIENCE

FIREFOX = shutil.which("firefox-esr")
SIZE = (1280, 900)
"""The window's, unless it is made another."""
_MOUSE = 6  # fine, and can hover: without a screen there would be none
_PREFERENCES: dict[str, int | bool] = {
    "marionette.port": 0,  # any: it is said
    "network.dns.disabled": True,  # nobody is asked but loopback
    "ui.allPointerCapabilities": _MOUSE,
    "ui.primaryPointerCapabilities": _MOUSE,
    "ui.prefersReducedMotion": 1,
}
_LISTENING = re.compile(rb"Listening on port (\d+)")
_KEYS = {
    "Control": "\ue009",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "End": "\ue010",
    "Shift": "\ue008",
}
_LOOK = """
const done = arguments[arguments.length - 1];
const until = performance.now() + 200;
const look = () => {
  const seen = (%s);
  if (seen || performance.now() > until) done(seen);
  else setTimeout(look, 10);
};
look();
"""
_GONE_ON = ("script timeout", "javascript error", "no such window", "unknown error")
"""What a script ends with when its page is left meanwhile."""
_ADVICE = "Layout was forced before the page was fully loaded."
"""Is no complaint: it depends on when somebody looked."""
_COMPLAINTS = """
const said = Services.console.getMessageArray().filter((each) => each instanceof Ci.nsIScriptError);
Services.console.reset();
return said.map((each) => [each.sourceName, `${each.sourceName}:${each.lineNumber}: ${each.errorMessage}`]);
"""


class Refused(AssertionError):
    """Firefox did not do what it was told to."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Firefox:
    """A window with one page, and whoever sits before it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)

    async def begin(self) -> None:
        await self._heard()  # its greeting
        await self.do("WebDriver:NewSession")
        await self.do("WebDriver:SetTimeouts", script=2_000, pageLoad=int(PATIENCE * 1000))
        await self.resize(*SIZE)

    async def do(self, command: str, **parameters: Any) -> Any:
        """What WebDriver's *command* returns."""
        number = next(self._numbers)
        asked = json.dumps([0, number, command, parameters]).encode()
        self._writer.write(b"%d:%s" % (len(asked), asked))
        await self._writer.drain()
        answered = 0
        while answered != number:  # one that was not waited for any more comes first
            _, answered, error, result = await self._heard()
        if error is not None:
            raise Refused(error["error"], error["message"])
        return result["value"] if isinstance(result, dict) and "value" in result else result

    async def _heard(self) -> Any:
        async with asyncio.timeout(PATIENCE):
            length = await self._reader.readuntil(b":")
            return json.loads(await self._reader.readexactly(int(length[:-1])))

    async def goto(self, url: str) -> None:
        """When this returns, its scripts have run."""
        await self.do("WebDriver:Navigate", url=url)

    async def resize(self, width: int, height: int) -> None:
        """Pixels, of the whole window."""
        await self.do("WebDriver:SetWindowRect", width=width, height=height)

    async def js(self, script: str) -> Any:
        return await self.do("WebDriver:ExecuteScript", script=script, args=[])

    async def see(self, expression: str) -> Any:
        """Wait until the script's *expression* is true, on this page or one that comes in its place; what it is then."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if seen := await self._look(expression):
                        return seen
        except TimeoutError:
            raise AssertionError(f"never seen: {expression}") from None

    async def _look(self, expression: str) -> Any:
        try:
            return await self.do("WebDriver:ExecuteAsyncScript", script=_LOOK % expression, args=[])
        except Refused as refused:
            if refused.kind not in _GONE_ON:
                raise
            return None

    async def press(self, *keys: str) -> None:
        """One after the other; ``Control+Enter`` is held together."""
        for key in keys:
            parts = [_KEYS.get(part, part) for part in key.split("+")]
            await self._type(
                [{"type": "keyDown", "value": part} for part in parts]
                + [{"type": "keyUp", "value": part} for part in reversed(parts)]
            )

    async def type(self, text: str) -> None:
        await self._type(
            [{"type": kind, "value": each} for each in text for kind in ("keyDown", "keyUp")]
        )

    async def _type(self, actions: list[dict[str, str]]) -> None:
        keys = {"type": "key", "id": "keys", "actions": actions}
        await self.do("WebDriver:PerformActions", actions=[keys])

    async def click(self, css: str) -> None:
        (element,) = (await self._found(css)).values()
        await self.do("WebDriver:ElementClick", id=element)

    async def _found(self, css: str) -> dict[str, str]:
        found: dict[str, str] = await self.do(
            "WebDriver:FindElement", using="css selector", value=css
        )
        return found

    async def complaints(self, home: str) -> list[str]:
        """What it has said in its console of pages below *home* since this was asked last: errors, warnings, what a policy forbids."""
        await self.do("Marionette:SetContext", value="chrome")
        try:
            said: list[list[str]] = await self.js(_COMPLAINTS)
        finally:
            await self.do("Marionette:SetContext", value="content")
        return [text for source, text in said if home in (source or "") and _ADVICE not in text]


@asynccontextmanager
async def firefox(folder: Path) -> AsyncIterator[Firefox]:
    """The browser, with a profile in *folder*, which it may make."""
    if FIREFOX is None:
        pytest.skip("there is no firefox-esr: scripts/system-packages installs it")
    _make_profile(folder)
    process = await asyncio.create_subprocess_exec(
        *(FIREFOX, "--headless", "--no-remote", "--profile", str(folder)),
        *("--marionette", "--remote-allow-system-access"),  # the latter for the console
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=os.environ | {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
    )
    try:
        port, rest = await _port_of(process)
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            browser = Firefox(reader, writer)
            await browser.begin()
            yield browser
            await browser.do("Marionette:Quit", flags=["eForceQuit"])
        finally:
            writer.close()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
        await rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _make_profile(folder: Path) -> None:
    folder.mkdir()
    lines = (f'user_pref("{name}", {json.dumps(value)});' for name, value in _PREFERENCES.items())
    (folder / "user.js").write_text("\n".join(lines))


async def _port_of(process: Process) -> tuple[int, asyncio.Task[bytes]]:
    """Where it listens; and what reads the rest of what it says, so that it never waits for that. Skips the test if it ends at once."""
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(PATIENCE):
        while line := await process.stdout.readline():
            said += line
            if found := _LISTENING.search(line):
                return int(found[1]), asyncio.create_task(process.stdout.read())
    pytest.skip(f"Firefox does not start here:\n{said.decode(errors='replace')}")
