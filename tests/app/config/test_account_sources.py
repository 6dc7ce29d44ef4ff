"""``auth.sources`` and its sections: what is refused, with which advice, and what is made."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pillarbox.app.account_sources import close_sources, open_sources
from pillarbox.app.config import Config, ConfigError, load, source_checks

SQL = (
    '[auth.sql]\nurl = "postgresql://u@localhost/mail"\n'
    'query = "SELECT password FROM u WHERE n = :user"\n'
)
LDAP = '[auth.ldap]\nurls = ["ldaps://x"]\nbase = "dc=x"\n'
PASSWD = '[auth.passwd_file]\npath = "users"\n'


def read(tmp_path: Path, text: str, *overrides: str) -> Config:
    file = tmp_path / "p.toml"
    file.write_text(text)
    return load(file, overrides, {})


def sources(*names: str) -> str:
    return f"[auth]\nsources = [{', '.join(repr(name) for name in names)}]\n"


@pytest.fixture(autouse=True)
def _with_a_service_of_pam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pam.d").mkdir()
    (tmp_path / "pam.d" / "pillarbox").touch()
    monkeypatch.setattr(source_checks, "PAM_FOLDERS", (tmp_path / "pam.d",))


def test_there_is_none_unless_named(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert config.auth.sources == ()
    assert open_sources(config) == ()


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        (sources("passwd"), 'did you mean "passwd-file"?'),
        (sources("passwd-file"), '"passwd-file" needs auth.passwd_file.path'),
        (sources("sql"), '"sql" needs auth.sql.url'),
        (sources("sql"), '"sql" needs auth.sql.query'),
        (sources("ldap"), '"ldap" needs auth.ldap.urls'),
        (sources("ldap"), '"ldap" needs auth.ldap.base'),
        (sources("sql", "sql") + SQL, '"sql" stands there twice'),
        (sources("passwd-file") + PASSWD + 'default_scheme = "{CRYPT}"\n', "without braces"),
        (
            sources("sql") + SQL.replace("u@", "u:hidden@"),
            "auth.sql.url: holds a password; write it into a file",
        ),
        (
            sources("sql") + SQL.replace("/mail", "/mail?password=hidden"),
            "auth.sql.url: holds a password; write it into a file",
        ),
        (sources("sql") + SQL.replace("postgresql:", "oracle:"), "write postgresql://… or mysql"),
        (sources("sql") + SQL.replace("/mail", ""), "auth.sql.url: names no database"),
        (sources("sql") + SQL.replace("localhost", "localhost:x"), "auth.sql.url: is not an URL"),
        (sources("sql") + SQL.replace(":user", "'%u'"), "the parameter stands in quotes"),
        (sources("sql") + SQL.replace(":user", "':user'"), "the parameter stands in quotes"),
        (sources("sql") + SQL.replace(":user", "'x'"), "write WHERE … = :user"),
        (sources("sql") + SQL.replace(":user", ":name"), "the user's name is :user"),
        (sources("ldap") + LDAP.replace("ldaps:", "https:"), 'write "ldaps://host"'),
        (sources("ldap") + LDAP + 'filter = "(uid=alice)"\n', "where the user's name goes"),
        (sources("ldap") + LDAP + 'filter = "uid={user}"\n', "is not an LDAP filter"),
        (sources("ldap") + LDAP + 'filter = "(uid={user}))("\n', "is not an LDAP filter"),
        (sources("ldap") + LDAP + 'dn = "uid={user}"\n', "and so does auth.ldap.base"),
        (sources("ldap") + LDAP.replace("base", "dn"), "where the user's name goes"),
        (sources("ldap") + LDAP + 'bind_dn = "cn=x"\n', "without auth.ldap.password_file"),
        (sources("ldap") + LDAP + 'password_file = "x"\n', "without auth.ldap.bind_dn"),
        (
            sources("ldap") + LDAP.replace('"ldaps://x"', '"ldaps://x", "ldap://y"'),
            "write only ldaps:// or only ldap:// URLs",
        ),
        (sources("pam") + '[auth.pam]\nservice = "../x"\n', "is not the name of a file"),
        (sources("pam") + "[auth.pam]\ntimeout = 0\n", "a number of seconds from 0.1 to 60"),
    ],
)
def test_a_fault_says_what_to_do(tmp_path: Path, text: str, saying: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert saying in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "module", "extra"),
    [
        (sources("sql") + SQL, "psycopg", "postgresql"),
        (sources("sql") + SQL.replace("postgresql:", "mysql:"), "pymysql", "mysql"),
        (sources("ldap") + LDAP, "ldap", "ldap"),
        (sources("pam"), "pam", "pam"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, module: str, extra: str
) -> None:
    monkeypatch.setattr(
        "pillarbox.app.config.source_checks.find_spec",
        lambda name: None if name == module else find_spec(name),
    )
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert f"pip install 'pillarbox[{extra}]'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        (SQL, "auth.sql.url: has no effect"),
        ("[auth.pam]\nmin_uid = 5\n", "auth.pam.min_uid: has no effect"),
        (
            sources("sql") + SQL.replace("localhost", "db.example.org"),
            "auth.sql.url: what the database says crosses the network without being verified",
        ),
        (
            sources("ldap") + LDAP.replace("ldaps", "ldap") + "starttls = false\n",
            "auth.ldap.starttls: passwords cross the network",
        ),
        (sources("pam") + '[auth.pam]\nservice = "other-one"\n', 'PAM would use "other"'),
    ],
)
def test_a_doubt_is_a_warning(tmp_path: Path, text: str, saying: str) -> None:
    (warning,) = read(tmp_path, text).warnings
    assert saying in str(warning)
    assert str(tmp_path) in str(warning)


@pytest.mark.parametrize(
    "text",
    [
        sources("passwd-file") + PASSWD,
        sources("sql") + SQL,
        sources("sql") + SQL.replace("localhost", "").replace("/mail", "/mail?host=/run/x"),
        sources("sql") + SQL.replace("localhost", "db.example.org") + 'ca = "ca.pem"\n',
        sources("sql") + SQL.replace("localhost", "db").replace("/mail", "/m?sslmode=verify-full"),
        sources("ldap") + LDAP,
        sources("ldap") + LDAP.replace("ldaps", "ldap"),
        sources("ldap") + LDAP.replace("ldaps://x", "ldap://127.0.0.1") + "starttls = false\n",
        sources("ldap") + LDAP.replace("ldaps://x", "ldapi://%2Frun%2Fslapd"),
        sources("pam"),
    ],
)
def test_what_is_in_order_passes_without_a_word(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).warnings == ()


async def test_they_are_made_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    pytest.importorskip("ldap")
    names = ("pam", "ldap", "sql", "passwd-file")
    config = read(tmp_path, sources(*names) + SQL + LDAP + PASSWD)
    made = open_sources(config)
    assert tuple(source.name for source in made) == names
    await close_sources(made)


async def test_a_library_is_loaded_for_its_source_only(tmp_path: Path) -> None:
    loaded = {"psycopg", "pymysql", "ldap", "pam"} & sys.modules.keys()
    kept = {name: sys.modules.pop(name) for name in loaded}
    try:
        made = open_sources(read(tmp_path, sources("passwd-file") + PASSWD))
        assert not {"psycopg", "pymysql", "ldap", "pam"} & sys.modules.keys()
        await close_sources(made)
    finally:
        sys.modules.update(kept)


@pytest.mark.parametrize(
    ("content", "saying"),
    [
        (None, "cannot be read by this process"),
        (b"", "has no password in its first line"),
        (b"\nhidden\n", "has no password in its first line"),
        (b"\xffhidden", "is not UTF-8"),
        (b"hidden" * 1000, "has no password in its first line"),
    ],
)
def test_a_file_without_a_password_is_a_fault(
    tmp_path: Path, content: bytes | None, saying: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    config = read(tmp_path, sources("sql") + SQL + 'password_file = "secret"\n')
    with pytest.raises(ConfigError, match=r"auth\.sql\.password_file") as caught:
        open_sources(config)
    assert saying in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_an_option_that_the_library_does_not_know_is_a_fault(tmp_path: Path) -> None:
    for url in ("postgresql://u@localhost/mail?colour=red", "mysql://u@localhost/mail?colour=red"):
        text = SQL.replace("postgresql://u@localhost/mail", url)
        with pytest.raises(ConfigError, match=r"auth\.sql\.url: has .*option"):
            open_sources(read(tmp_path, sources("sql") + text))


def test_settings_come_from_the_command_line_too(tmp_path: Path) -> None:
    config = read(tmp_path, "", "auth.sources=passwd-file", "auth.passwd_file.path=/x/users")
    assert config.auth_passwd_file.path == Path("/x/users")
