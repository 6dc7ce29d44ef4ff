"""The URL of a database: its name, its hosts, and what is wrong with it, without its password."""

from __future__ import annotations

import pytest

from pillarbox.database_url import NOT_UNDERSTOOD, Host, fault_of, hosts_of, name_of

SECRET = "geheim"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://post:12/{SECRET}@db/mail",
        f"postgresql://post:{SECRET}/more@db/mail",
        f"postgresql://post:12#{SECRET}@db/mail",
        f"postgresql://post:{SECRET}#more@db/mail",
        f"postgresql://post:12?{SECRET}@db/mail",
        f"postgresql://post:12?{SECRET}=@db/mail",
        f"postgresql://post:12?ssl{SECRET}=@db/mail",
        f"postgresql://post:more@{SECRET}@db/mail",
        f"postgresql://post:[{SECRET}@db/mail",
        f"postgresql://post:{SECRET}\u2100@db/mail",
        f"postgresql://post:{SECRET}@db:54a2/mail",
        f"postgresql://post:{SECRET}@db:99999/mail",
        f"postgresql://post:{SECRET}@a,b:0/mail",
        f"postgresql://post:{SECRET}@a,,b/mail",
        f"postgresql://post:{SECRET}@a,b/mail?port=1,2,3",
        f"postgresql://post@db/mail?password={SECRET}&sslmod=verify-full",
        f"postgresql://post@db/mail?password={SECRET}&channel_binding=require",
        f"mysql://post:{SECRET}@db/mail",
    ],
)
def test_a_url_with_a_fault_is_never_repeated(url: str) -> None:
    fault = fault_of(url)
    assert fault is not None
    assert SECRET not in fault
    assert name_of(url) == NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("url", "name", "hosts"),
    [
        (f"postgresql://post:{SECRET}@db/mail", "db/mail", [Host("db")]),
        (f"postgresql://post:{SECRET}%2F@db:99/mail", "db:99/mail", [Host("db", 99)]),
        (
            f"postgres://post:{SECRET}@db1,[::1]:99/mail?sslmode=verify-full",
            "db1,[::1]:99/mail",
            [Host("db1"), Host("::1", 99)],
        ),
        (
            f"postgresql:///mail?host=db1,db2&port=99&password={SECRET}@",
            "db1:99,db2:99/mail",
            [Host("db1", 99), Host("db2", 99)],
        ),
        ("postgresql://post@%2Frun%2Fdb/mail", "/run/db/mail", [Host("/run/db")]),
        ("postgresql:///mail", "localhost/mail", []),
        ("postgresql:///mail?application_name=a&search_path=b", "localhost/mail", []),
    ],
)
def test_a_database_has_a_name_without_its_password(url: str, name: str, hosts: list[Host]) -> None:
    assert name_of(url) == name
    if hosts:
        assert fault_of(url) is None
    assert list(hosts_of(url)) == hosts
