"""What the sources are made of: passwords, sizes, queries, URLs, filters and DNs, threads."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources import threads
from pillarbox.auth.sources.contract import NOBODY, askable
from pillarbox.auth.sources.ldap.patterns import (
    FaultyPattern,
    check_dn,
    check_filter,
    escaped_for_dn,
    escaped_for_filter,
    in_dn,
    in_filter,
)
from pillarbox.auth.sources.passwords import as_hash, octets, octets_of, yes
from pillarbox.auth.sources.sql.query import FaultyQuery, prepared
from pillarbox.auth.sources.sql.url import DatabaseUrl
from pillarbox.auth.sources.threads import Threads

# -- passwords and sizes -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{SSHA}x", "{SSHA}x"),
        ("{BLF-CRYPT}$2y$x", "{BLF-CRYPT}$2y$x"),
        ("{SHA512.hex}ab", "{SHA512.hex}ab"),
        ("$2y$x", "{CRYPT}$2y$x"),
        ("$argon2id$v=19$x", "{ARGON2ID}$argon2id$v=19$x"),
        ("$argon2i$v=19$x", "{ARGON2I}$argon2i$v=19$x"),
        ("x", "{CRYPT}x"),
        ("", None),
        ("!", None),
        ("!!$6$x", None),
        ("*", None),
    ],
)
def test_a_password_gets_a_scheme(text: str, expected: str | None) -> None:
    assert as_hash(text, "CRYPT") == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("512", "B", 512),
        ("512", "K", 512 << 10),
        ("10M", "K", 10 << 20),
        ("10 MiB", "B", 10 << 20),
        ("1gb", "B", 1 << 30),
        ("3B", "K", 3),
        (" 1T ", "B", 1 << 40),
        ("0", "B", 0),
    ],
)
def test_a_size(text: str, unit: str, expected: int) -> None:
    assert octets(text, unit=unit) == expected


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1.5G", "1P", "10%", "9" * 19, "99999999T", "\u0663"]
)
def test_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        octets(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, 0), ("", 0), (5, 5), (5.0, 5), ("1K", 1024), (b"1K", 1024), (-3, 0)],
)
def test_a_size_of_a_column(value: object, expected: int) -> None:
    assert octets_of(value) == expected


@pytest.mark.parametrize("value", [[], float("nan"), float("inf"), b"\xff", "x", 2**60])
def test_no_size_of_a_column(value: object) -> None:
    with pytest.raises(ValueError, match=r"size|number"):
        octets_of(value)


def test_what_means_yes() -> None:
    assert all(yes(value) for value in (True, 1, "1", "y", "TRUE", "t", b"\1", b"yes", "x"))
    assert not any(yes(v) for v in (False, 0, None, "", "0", "N", "false", " off ", b"\0", b"f"))


# -- names -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "-", "Alice", "a/b", "a\0", "\udcff", "x" * 65, "ａ".strip()])  # noqa: RUF001 - a wide letter
def test_what_is_no_name_is_asked_for_as_nobody(name: str) -> None:
    assert askable(name) == (NOBODY, False)


def test_a_name_is_asked_for_as_it_is() -> None:
    assert askable("o'brien") == ("o'brien", True)


# -- queries -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT :user", "SELECT %(user)s"),
        ("SELECT %(user)s ;\n", "SELECT %(user)s "),
        ("SELECT a::text WHERE b=:user::text", "SELECT a::text WHERE b=%(user)s::text"),
        ("x LIKE 'a%' AND n=:user", "x LIKE 'a%%' AND n=%(user)s"),
        ("':user ''%(user)s' || :user", "':user ''%%(user)s' || %(user)s"),
        ('"a:user" = :user', '"a:user" = %(user)s'),
        ("`a:user` = :user", "`a:user` = %(user)s"),
        ("-- :other\n:user /* %s ? ' */", "-- :other\n%(user)s /* %%s ? ' */"),
        ("$$:x$$ $t$ :y $$ $t$ :user", "$$:x$$ $t$ :y $$ $t$ %(user)s"),
        ("a % 2 = :user", "a %% 2 = %(user)s"),
    ],
)
def test_a_query_is_prepared(text: str, expected: str) -> None:
    assert prepared(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1",
        "SELECT ?",
        "SELECT %s",
        "SELECT ':user'",
        "SELECT :name",
        "SELECT %(n)s",
        "SELECT '%u', :user",
        'SELECT ":user" = :user',
        ":user" + " " * 20_000,
    ],
)
def test_a_query_at_fault(text: str) -> None:
    with pytest.raises(FaultyQuery):
        prepared(text)


def test_parts_of_an_url() -> None:
    url = DatabaseUrl.parse("mariadb://a%40b@[::1]:3307/ma%20il?charset=utf8&x=")
    assert (url.kind, url.user, url.host, url.port) == ("mysql", "a@b", "::1", 3307)
    assert (url.database, url.options) == ("ma il", {"charset": "utf8", "x": ""})
    bare = DatabaseUrl.parse("postgresql:///mail")
    assert (bare.kind, bare.user, bare.host, bare.port) == ("postgresql", None, None, None)


# -- filters and DNs ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        # RFC 4515, section 4
        ("Parens R Us (for all your parenthetical needs)",
         "Parens\\20R\\20Us\\20\\28for\\20all\\20your\\20parenthetical\\20needs\\29"),
        ("*", "\\2a"),
        ("C:\\MyFile", "C\\3a\\5cMyFile"),
        ("Lu\u010di\u0107", "Lu\\c4\\8di\\c4\\87"),
        ("\0", "\\00"),
    ],
)  # fmt: skip
def test_a_value_in_a_filter(text: str, escaped: str) -> None:
    assert escaped_for_filter(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        # RFC 4514, section 4
        ('James "Jim" Smith, III', "James \\22Jim\\22 Smith\\2c III"),
        ("Before\rAfter", "Before\\0dAfter"),
        ("Lu\u010di\u0107", "Lu\\c4\\8di\\c4\\87"),
        (" a ", "\\20a\\20"),
        ("#x#", "\\23x#"),
        ("a+b=c;<>\\\0", "a\\2bb\\3dc\\3b\\3c\\3e\\5c\\00"),
    ],
)
def test_a_value_in_a_dn(text: str, escaped: str) -> None:
    assert escaped_for_dn(text) == escaped


@given(st.text())
def test_a_name_never_becomes_more_than_a_value(name: str) -> None:
    name = name.replace("{user}", "")
    ldap_filter = in_filter("(&(a=b)(uid={user}))", name)
    inside = ldap_filter.removeprefix("(&(a=b)(uid=").removesuffix("))")
    assert not set(inside) & set("()*\0")
    inside = in_dn("uid={user},ou=x", name).removeprefix("uid=").removesuffix(",ou=x")
    assert not set(inside) & set(',+"<>;=\0')


@given(st.text())
def test_the_library_reads_escaped_values_as_they_were(name: str) -> None:
    dn = pytest.importorskip("ldap.dn")
    if name:
        ((value,),) = dn.str2dn(f"uid={escaped_for_dn(name)}")
        assert value[1] == name


@pytest.mark.parametrize(
    "text",
    ["", "{user}", "(uid=x)", "(uid={user}", "uid={user})", "(uid={user})(a=b)", "()({user})"],
)
def test_no_filter(text: str) -> None:
    with pytest.raises(FaultyPattern):
        check_filter(text)


@pytest.mark.parametrize("text", ["", "{user}", "uid=x,dc=y", "{user},dc=x"])
def test_no_dn(text: str) -> None:
    with pytest.raises(FaultyPattern):
        check_dn(text)


# -- threads -----------------------------------------------------------------------------


async def test_calls_run_side_by_side_up_to_their_number() -> None:
    pool = Threads("x", 3, 60)
    meeting = threading.Barrier(3)
    assert sorted(await asyncio.gather(*(pool.call(meeting.wait) for _ in range(3)))) == [0, 1, 2]
    await pool.close()


async def test_what_a_call_raises_is_raised() -> None:
    pool = Threads("x", 1, 60)
    with pytest.raises(ZeroDivisionError):
        await pool.call(divmod, 1, 0)
    assert await pool.call(divmod, 7, 2) == (3, 1)
    await pool.close()


async def test_nobody_waits_for_a_thread_that_hangs_and_stale_calls_are_not_run() -> None:
    pool = Threads("x", 1, 0.05)
    gate = threading.Event()
    ran: list[bool] = []

    def hang() -> None:
        ran.append(gate.wait())

    for _ in range(3):
        with pytest.raises(AccountsUnavailable, match=r"x: no answer within 0\.05 seconds"):
            await pool.call(hang)
    gate.set()
    while True:
        try:
            assert await pool.call(len, ran) == 1
        except AccountsUnavailable:
            continue
        break
    await pool.close()


async def test_no_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_WAITING", 2)
    pool = Threads("x", 1, 60)
    gate = threading.Event()
    waiting = [asyncio.ensure_future(pool.call(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(AccountsUnavailable, match="2 calls wait already"):
        await pool.call(gate.wait)
    gate.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await pool.call(gate.wait)
    await pool.close()


async def test_each_thread_takes_its_leave_and_closing_waits_for_it() -> None:
    farewells: list[str] = []
    pool = Threads("x", 2, 60, farewell=lambda: farewells.append(threading.current_thread().name))
    await pool.call(int)
    await pool.close()
    assert sorted(farewells) == ["x 0", "x 1"]
    with pytest.raises(AccountsUnavailable, match="closed"):
        await pool.call(int)


async def test_closing_does_not_wait_for_a_thread_that_hangs() -> None:
    pool = Threads("x", 1, 0.05)
    gate = threading.Event()
    with pytest.raises(AccountsUnavailable):
        await pool.call(gate.wait)
    await pool.close()
    gate.set()


async def test_closing_without_a_call_is_nothing() -> None:
    await Threads("x", 2, 60).close()
