"""The page of settings."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from pillarbox import __version__
from pillarbox.reader.desk import Desk
from pillarbox.reader.model import Settings
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor

FORM = {"trash_days": "30", "hold_seconds": "10", "interval_minutes": "5", "keys": "on"}


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    return make_desk(preferences=Preferences(tmp_path / "settings.json"))


async def test_the_page_shows_what_is_set_and_what_this_is(desk: Desk, tmp_path: Path) -> None:
    desk.preferences.change(interval_seconds=90.0, trash_days=0)
    async with visitor(desk) as browser:
        page = (await browser.get("/settings")).text
    assert 'name="interval_minutes" inputmode="decimal" autocomplete="off" value="1.5"' in page
    assert 'name="trash_days" inputmode="decimal" autocomplete="off" value="0"' in page
    assert 'name="keys" checked' in page
    assert html.escape(str(tmp_path)) in page
    assert html.escape(str(desk.accounts.state)) in page, "a backup without it is none"
    assert "Your accounts are in <code>there-are-no-accounts.toml</code>: copy that, too." in page
    assert __version__ in page
    assert 'href="/settings" title="Settings" aria-current="page"' in page


async def test_what_is_saved_counts_from_now_on(desk: Desk) -> None:
    async with visitor(desk) as browser:
        form = {"trash_days": "7", "hold_seconds": "2,5", "interval_minutes": "1"}
        reply = await browser.post("/settings", data=form)
        assert (reply.status_code, reply.headers["location"]) == (303, "/settings?saved")
        page = (await browser.get("/settings?saved")).text
    assert desk.settings == Settings(
        trash_days=7, hold_seconds=2.5, interval_seconds=60, keys=False
    )
    assert "Saved." in page
    assert 'data-keys="off"' in page


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("trash_days", ""),
        ("trash_days", "-1"),
        ("trash_days", "1.5"),
        ("trash_days", "9" * 400),
        ("hold_seconds", "soon"),
        ("hold_seconds", "nan"),
        ("hold_seconds", "1e9"),
        ("interval_minutes", "0"),
        ("interval_minutes", "<b>"),
    ],
)
async def test_a_mistake_is_said_beside_its_field_and_what_was_typed_stays(
    desk: Desk, field: str, typed: str
) -> None:
    async with visitor(desk) as browser:
        reply = await browser.post("/settings", data=FORM | {field: typed, "keys": "on"})
    assert reply.status_code == 422
    assert f'id="{field}-error"' in reply.text
    assert reply.text.count('aria-invalid="true"') == 1
    assert f'value="{html.escape(typed)}"' in reply.text
    assert desk.settings == Settings()


async def test_how_large_the_library_is(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "a").write_bytes(b"x" * 1500)
    (tmp_path / "b").write_bytes(b"x" * 500)
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    async with visitor(desk) as browser:
        page = (await browser.get("/settings/size")).text
    assert "2 kB" in page
    assert "3 files" in page


async def test_damaged_settings_are_said_on_every_page_until_they_are_saved(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"trash_days": 4000}')
    desk = make_desk(preferences=Preferences(tmp_path / "settings.json"))
    async with visitor(desk) as browser:
        assert "The settings are damaged" in (await browser.get("/outbox")).text
        page = (await browser.get("/settings")).text
        assert "Trash is not emptied by itself" in page
        assert 'name="trash_days" inputmode="decimal" autocomplete="off" value="0"' in page
        await browser.post("/settings", data=FORM)
        page = (await browser.get("/settings?saved")).text
    assert "settings are damaged" not in page
    assert 'role="alert"' not in page
    assert desk.settings == Settings()
