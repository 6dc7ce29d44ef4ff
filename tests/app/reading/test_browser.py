"""When a browser is opened, and that nobody waits for it."""

from __future__ import annotations

import threading

import pytest

from pillarbox.app.reading import browser


@pytest.mark.parametrize(
    ("platform", "environ", "screen"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "firefox"}, True),
        ("darwin", {}, True),
    ],
)
def test_whether_there_is_a_screen(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], screen: bool
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    assert browser.has_screen(environ) is screen


def test_a_browser_that_stays_or_fails_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    called, go_on = threading.Event(), threading.Event()

    def open_slowly(url: str) -> None:
        opened.append(url)
        called.set()
        go_on.wait()
        raise OSError("no browser after all")

    monkeypatch.setenv("BROWSER", "x")
    monkeypatch.setattr("webbrowser.open", open_slowly)
    browser.open_page("http://127.0.0.1/")
    called.wait()
    assert opened == ["http://127.0.0.1/"]
    go_on.set()


def test_without_a_screen_none_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("webbrowser.open", opened.append)
    browser.open_page("http://127.0.0.1/")
    assert opened == []
