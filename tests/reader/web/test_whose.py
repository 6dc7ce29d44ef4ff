"""Whose program is at the other end."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from pillarbox.reader.web import whose
from pillarbox.reader.web.password import Password
from pillarbox.reader.web.whose import is_anothers, owner_of
from tests.reader.web.test_guard import HASHED, PASSWORD, Place

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LITTLE = sys.byteorder == "little"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
@pytest.mark.parametrize("half", [False, True])
def test_a_connection_of_ones_own_is_known(
    family: socket.AddressFamily, host: str, half: bool
) -> None:
    try:
        listening = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no such address")
    with listening, socket.create_connection(listening.getsockname()[:2]) as client:
        if half:  # who has said all is still there to hear the answer
            client.shutdown(socket.SHUT_WR)
        places = client.getsockname()[:2], client.getpeername()[:2]
        assert owner_of(*places) == os.getuid()
        assert not is_anothers(*places, os.getuid())
        assert owner_of((places[0][0], 1), places[1]) is None


def table(folder: Path, user: int) -> Path:
    """As Linux writes it, with a connection from 127.0.0.1:123 to 127.0.0.1:8080."""
    here = "0100007F" if LITTLE else "7F000001"
    path = folder / "tcp"
    path.write_text(
        f"{HEAD}   0: {here}:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
        f"   1: {here}:1F90 {here}:007B 01 00000000:00000000 00:00000000 00000000  1000        0 2 1\n"
        f"   2: {here}:007B {here}:1F90 01 00000000:00000000 00:00000000 00000000 {user:5}        0 3 1\n"
    )
    return path


@pytest.mark.parametrize(
    ("user", "own", "anothers"),
    [
        (1001, 1000, True),
        (1000, 1000, False),
        (0, 1000, False),  # root
        (1001, 0, False),  # the reader is root's
    ],
)
def test_who_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, own: int, anothers: bool
) -> None:
    monkeypatch.setattr(whose, "_TABLES", (tmp_path / "none", table(tmp_path, user)))
    assert is_anothers(("127.0.0.1", 123), ("127.0.0.1", 8080), own) is anothers
    assert is_anothers(("::ffff:127.0.0.1", 123), ("::ffff:127.0.0.1", 8080), own) is anothers
    assert not is_anothers(("127.0.0.1", 124), ("127.0.0.1", 8080), own)
    assert not is_anothers(None, ("127.0.0.1", 8080), own)
    assert not is_anothers(("a name", 123), ("127.0.0.1", 8080), own)


def test_a_table_that_cannot_be_read_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "tcp"
    broken.write_bytes(b"\xff\xfe nonsense\n")
    monkeypatch.setattr(whose, "_TABLES", (broken, tmp_path / "none"))
    assert owner_of(("127.0.0.1", 123), ("127.0.0.1", 8080)) is None


async def test_a_token_seen_in_a_list_of_processes_lets_no_other_user_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, own=1000)
    token = place.entrances.make()
    async with place.browser(inside=False) as browser:
        monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1001),))
        reply = await browser.get("/enter", params={"token": token})
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers
        monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1000),))
        assert (await browser.get("/enter", params={"token": token})).status_code == 303, (
            "not used up"
        )


async def test_a_cookie_shown_to_another_users_port_is_of_no_use_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, own=1000)
    monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1000),))
    async with place.browser() as browser:
        assert (await browser.get("/change")).text == "done"
        cookies = dict(browser.cookies)
    monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1001),))
    async with place.browser(inside=False) as thief:  # by the same port, which has become free
        thief.cookies.update(cookies)
        for path in ("/mail/Inbox", "/change", "/events"):
            assert (await thief.get(path)).status_code == 401
        assert (await thief.post("/change", data={"csrf": "t0ken"})).status_code == 401
        assert (await thief.post("/logout", data={"csrf": "t0ken"})).status_code == 401
    assert place.changes == [b""]
    monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1000),))
    async with place.browser(inside=False) as browser:
        browser.cookies.update(cookies)
        assert (await browser.get("/change")).text == "done"


async def test_a_connection_is_asked_about_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(whose, "is_anothers", lambda *one: asked.append(one))
    connections = whose.Connections(1000)
    server = ("127.0.0.1", 8080)
    for port in range(whose.KEPT + 1):
        client = ("127.0.0.1", port)
        for _ in range(2):
            assert not await connections.is_anothers(client, server)
    assert len(asked) == whose.KEPT + 1
    assert not await connections.is_anothers(("127.0.0.1", port), server)
    assert len(asked) == whose.KEPT + 2, "another connection from the same port"


async def test_who_knows_the_password_may_be_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, own=1000, password=Password(HASHED))
    monkeypatch.setattr(whose, "_TABLES", (table(tmp_path, 1001),))
    async with place.browser(inside=False) as browser:
        assert (await browser.post("/login", data={"password": PASSWORD})).status_code == 303
        assert (await browser.get("/change")).text == "done"
