"""Keys that change: files written anew, keys rotated on the web, issuers that are away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pillarbox.auth.oauth.key_source import (
    FRESH_SECONDS,
    LOOK_SECONDS,
    PAUSE_SECONDS,
    STALE_SECONDS,
    DiscoveredKeys,
    KeyFile,
    KeyUrl,
)
from pillarbox.auth.oauth.web import Web
from pillarbox.contracts.errors import AuthUnavailable
from tests.auth.oauth.conftest import Clocks, MakeIssuer
from tests.auth.oauth.craft import OTHER_RSA, RSA, jwk, key_set
from tests.auth.oauth.hostile import Hostile, hostile, ok
from tests.auth.oauth.issuer import Issuer


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web()
    yield web
    await web.close()


def names(found: object) -> set[str | None]:
    return {key.kid for key in found._keys}  # type: ignore[attr-defined]


# -- a file


def put(path: Path, content: bytes | None) -> None:
    """As tools do that let nobody see half a file; None: take it away."""
    if content is None:
        path.unlink()
        return
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(jwk(RSA, kid="a")))
    return path


async def test_a_file_is_read_again_when_it_has_changed(path: Path, clocks: Clocks) -> None:
    file = KeyFile(path, lambda: clocks.steady)
    first = await file.keys()
    clocks.move(LOOK_SECONDS)
    assert await file.keys() is first
    put(path, key_set(jwk(OTHER_RSA, kid="b")))
    assert await file.keys() is first  # it was looked at in this second
    clocks.move(LOOK_SECONDS)
    assert names(await file.keys()) == {"b"}
    assert await file.newer() is None


async def test_a_file_that_is_broken_later_leaves_the_old_keys(path: Path, clocks: Clocks) -> None:
    file = KeyFile(path, lambda: clocks.steady)
    await file.keys()
    for content in (b"", b"{", b'{"keys": []}', None):
        put(path, content)
        clocks.move(LOOK_SECONDS)
        assert names(await file.keys()) == {"a"}
    put(path, key_set(jwk(OTHER_RSA, kid="b")))
    clocks.move(LOOK_SECONDS)
    assert names(await file.keys()) == {"b"}


async def test_a_file_that_comes_later_counts_then(path: Path, clocks: Clocks) -> None:
    put(path, None)
    file = KeyFile(path, lambda: clocks.steady)
    with pytest.raises(AuthUnavailable, match=r"keys\.json: No such file"):
        await file.keys()
    put(path, b"{")
    clocks.move(LOOK_SECONDS)
    with pytest.raises(AuthUnavailable, match=r"keys\.json: is not JSON"):
        await file.keys()
    put(path, key_set(jwk(RSA, kid="a")))
    clocks.move(LOOK_SECONDS)
    assert names(await file.keys()) == {"a"}


# -- on the web


def at(issuer: Issuer, web: Web, clocks: Clocks) -> KeyUrl:
    return KeyUrl(f"{issuer.url}/jwks", web, lambda: clocks.steady)


async def test_keys_are_fetched_once_for_all(
    make_issuer: MakeIssuer, web: Web, clocks: Clocks
) -> None:
    issuer = make_issuer()
    source = at(issuer, web, clocks)
    found = await asyncio.gather(*(source.keys() for _ in range(20)))
    assert len({id(keys) for keys in found}) == 1
    clocks.move(FRESH_SECONDS - 1)
    await source.keys()
    assert issuer.asked["/jwks"] == 1


async def test_a_key_that_was_taken_back_counts_no_longer(
    make_issuer: MakeIssuer, web: Web, clocks: Clocks
) -> None:
    issuer = make_issuer()
    source = at(issuer, web, clocks)
    old = names(await source.keys())
    issuer.rotate(keep=False)
    clocks.move(FRESH_SECONDS)
    assert not names(await source.keys()) & old
    assert issuer.asked["/jwks"] == 2


async def test_a_new_key_is_asked_for_at_once_but_not_all_the_time(
    make_issuer: MakeIssuer, web: Web, clocks: Clocks
) -> None:
    issuer = make_issuer()
    source = at(issuer, web, clocks)
    await source.keys()
    for _ in range(100):  # somebody sends tokens with keys that do not exist
        assert await source.newer() is None
    assert issuer.asked["/jwks"] == 1
    issuer.rotate()
    clocks.move(PAUSE_SECONDS)
    newer = await source.newer()
    assert newer is not None
    assert issuer.key.kid in names(newer)
    for _ in range(100):
        assert await source.newer() is None
    assert issuer.asked["/jwks"] == 2
    assert await source.keys() is newer


async def test_while_the_issuer_is_away_the_old_keys_count_for_a_day(
    make_issuer: MakeIssuer, web: Web, clocks: Clocks
) -> None:
    issuer = make_issuer()
    source = at(issuer, web, clocks)
    old = await source.keys()
    issuer.stop()
    clocks.move(FRESH_SECONDS)
    assert await source.keys() is old
    # A token by a key that is not known may be good: nobody can say.
    with pytest.raises(AuthUnavailable, match="new key: localhost cannot be reached"):
        await source.newer()
    clocks.move(STALE_SECONDS - FRESH_SECONDS - 1)
    assert await source.keys() is old
    clocks.move(1)
    with pytest.raises(AuthUnavailable, match="no keys"):
        await source.keys()
    issuer.start()
    clocks.move(PAUSE_SECONDS)
    assert names(await source.keys()) == names(old)


async def test_an_issuer_that_is_away_is_not_asked_all_the_time(web: Web, clocks: Clocks) -> None:
    async with hostile(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as it:
        source = KeyUrl(it.url, web, lambda: clocks.steady)
        for _ in range(10):
            with pytest.raises(
                AuthUnavailable, match=r"no keys to check tokens with: .*status 503"
            ):
                await source.keys()
        assert len(it.heard) == 1
        it.say = ok(key_set(jwk(RSA, kid="a")))
        clocks.move(PAUSE_SECONDS)
        assert names(await source.keys()) == {"a"}


async def test_what_comes_may_be_no_key_set(web: Web, clocks: Clocks) -> None:
    async with hostile(ok(b"<html>")) as it:
        source = KeyUrl(it.url, web, lambda: clocks.steady)
        with pytest.raises(AuthUnavailable, match=r"/it is not JSON"):
            await source.keys()


async def test_who_hangs_up_does_not_end_it_for_others(web: Web, clocks: Clocks) -> None:
    async def wait(it: Hostile, writer: asyncio.StreamWriter) -> None:
        await it.go_on.wait()
        writer.write(ok(key_set(jwk(RSA, kid="a"))))

    async with hostile(wait) as it:
        source = KeyUrl(it.url, web, lambda: clocks.steady)
        first, second = (asyncio.create_task(source.keys()) for _ in range(2))
        await it.came.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        it.go_on.set()
        assert names(await second) == {"a"}
        assert len(it.heard) == 1


# -- discovery


async def test_an_issuer_says_where_its_keys_are(
    make_issuer: MakeIssuer, web: Web, clocks: Clocks
) -> None:
    issuer = make_issuer()
    source = DiscoveredKeys(issuer.url, web, lambda: clocks.steady)
    assert names(await source.keys()) == {issuer.key.kid}
    assert issuer.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"issuer": "https://else.example.org"},
            "another issuer .*else.*auth.oauth.issuer exactly",
        ),
        ({}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"issuer": "SELF"}, "does not say where"),
        ({"issuer": "SELF", "jwks_uri": ["https://else.example.org/"]}, "does not say where"),
        ({"issuer": "SELF", "jwks_uri": "http://else.example.org/"}, "without TLS"),
        ({"issuer": "SELF", "jwks_uri": "file:///etc/passwd"}, "no URL"),
    ],
)
async def test_discovery_section_4_3_what_an_issuer_must_say(
    web: Web, clocks: Clocks, document: dict[str, object], says: str
) -> None:
    async with hostile(b"") as it:
        mine = {"issuer": it.url} if document.get("issuer") == "SELF" else {}
        it.say = ok(json.dumps({**document, **mine}).encode())
        source = DiscoveredKeys(it.url, web, lambda: clocks.steady)
        with pytest.raises(AuthUnavailable, match=says):
            await source.keys()
        assert it.heard[0].startswith(b"GET /it/.well-known/openid-configuration ")
        assert len(it.heard) == 1
