"""``[store]`` of a cluster: what is refused, what is warned of, and no secret in any sentence."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from pillarbox.app.config import Config, ConfigError, load

CLUSTER = '[store]\nengine = "cluster"\n'
WHOLE = CLUSTER + 'database = "postgresql://post@localhost/mail"\n'
OBJECTS = WHOLE + 'objects = "s3://bodies/post"\n'


def read(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "p.toml"
    file.write_text(text)
    return load(file, (), environ or {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLUSTER, 'store.engine: "cluster" needs store.database; write there: postgresql://user@'),
        (
            CLUSTER + 'database = "mysql://post:hidden@localhost/mail"\n',
            "store.database: is not the URL of a database; write one like postgresql://",
        ),
        (
            CLUSTER + 'database = "postgresql://post:hidden@localhost"\n',
            "store.database: names no database",
        ),
        (
            CLUSTER + 'database = "postgresql://[hidden/mail"\n',
            "store.database: cannot be understood",
        ),
        (
            CLUSTER + 'database = "postgresql://post:12/hidden@localhost/mail"\n',
            "store.database: holds a character that has to be percent-encoded",
        ),
        (
            CLUSTER + 'database = "postgresql://post:hidden/more@localhost/mail"\n',
            "store.database: holds a character that has to be percent-encoded (/ is %2F",
        ),
        (
            CLUSTER + 'database = "postgresql://post@localhost/mail?connect_timeout=10"\n',
            'store.database: has the option "connect_timeout", which is not known here',
        ),
        ("[store]\ndatabase = 4711\n", "store.database: will not do; write a text in quotes"),
        (
            CLUSTER
            + 'database = "postgresql://post:hidden@localhost/mail"\n'
            + 'database_password_file = "word"\n',
            "store.database: holds a password, and so does store.database_password_file",
        ),
        (
            CLUSTER
            + 'database = "postgresql://localhost/mail?user=post&password=hidden"\n'
            + 'database_password_file = "word"\n',
            "store.database: holds a password, and so does store.database_password_file",
        ),
        (
            WHOLE + 'objects = "https://bodies"\n',
            "store.objects: is not a place for objects; write one like s3://",
        ),
        (
            OBJECTS + '[store.s3]\nendpoint = "s3.example.org"\n',
            "store.s3.endpoint: is not the URL of an object store",
        ),
        (
            OBJECTS + '[store.s3]\nendpoint = "https://key:hidden@s3.example.org"\n',
            "store.s3.endpoint: is not the URL of an object store",
        ),
        (
            CLUSTER + 'database = "postgresql://post:hidden@db1,db2/mail"\n',
            "several hosts, and not which of them: one may be a standby; add target_session_attrs=",
        ),
        (
            CLUSTER + 'database = "postgresql:///mail?host=db1,db2&target_session_attrs=any"\n',
            "store.database: names several hosts",
        ),
        (
            OBJECTS + '[store.s3]\nendpoint = "https://:8333"\n',
            "store.s3.endpoint: is not the URL of an object store",
        ),
        (
            OBJECTS + '[store.s3]\nendpoint = "https://s3:65536"\n',
            "store.s3.endpoint: is not the URL of an object store",
        ),
        (
            OBJECTS + '[store.s3]\naccess_key = "post"\nsecret_key = "hidden\\n"\n',
            "store.s3.secret_key: holds a space, a line end, or another character",
        ),
        (
            OBJECTS + '[store.s3]\nregion = "here or there"\n',
            "store.s3.region: holds a space, a line end, or another character",
        ),
        (
            CLUSTER + 'database = "postgresql://localhost/mail"\nobjects = "s3://post:hidden@x"\n',
            "store.objects: is not a place for objects",
        ),
        (
            OBJECTS + '[store.s3]\naccess_key = "post"\n',
            "store.s3.access_key: does nothing without store.s3.secret_key",
        ),
        (
            OBJECTS + '[store.s3]\nsecret_key_file = "word"\n',
            "store.s3.secret_key_file: does nothing without store.s3.access_key",
        ),
        (
            OBJECTS
            + '[store.s3]\naccess_key = "post"\nsecret_key = "hidden"\nsecret_key_file = "word"\n',
            "store.s3.secret_key: is given, and so is store.s3.secret_key_file",
        ),
        (
            OBJECTS + "[store.s3]\nsecret_key = 4711\n",
            "store.s3.secret_key: will not do; write a text in quotes",
        ),
        (OBJECTS + '[store.s3]\nbucket = "x"\n', "store.s3.bucket: there is no such setting"),
        (WHOLE + "lease_seconds = 0\n", "store.lease_seconds: 0 will not do"),
    ],
)
def test_a_fault_says_what_to_do_and_shows_no_secret(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    (fault,) = caught.value.faults
    assert expected in str(fault)
    assert "hidden" not in str(fault)
    assert "4711" not in str(fault)


@pytest.mark.parametrize("module", ["asyncpg", "obstore"])
def test_a_library_that_is_missing_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setattr(
        "pillarbox.app.config.store_checks.find_spec",
        lambda name: None if name == module else find_spec("sys"),
    )
    with pytest.raises(ConfigError, match=r"pip install 'pillarbox\[cluster\]'"):
        read(tmp_path, OBJECTS)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        OBJECTS,
        OBJECTS + '[store.s3]\nendpoint = "http://127.0.0.1:8333"\n',
        OBJECTS + '[store.s3]\nendpoint = "http://[::1]:8333/"\n',
        OBJECTS + '[store.s3]\naccess_key = "post"\nsecret_key_file = "word"\n',
        CLUSTER + 'database = "postgresql:///mail?host=/run/postgresql"\n',
        CLUSTER
        + 'database = "postgresql://post@[::1]:5432,127.0.0.2:5433/mail?target_session_attrs=primary"\n',
        CLUSTER + 'database = "postgresql://post@a:1,b:2/mail?sslmode=verify-full&sslrootcert=ca'
        '&target_session_attrs=read-write"\n',
        '[store]\npath = "mail"\n',
    ],
)
def test_what_is_fine(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[store]\ndatabase = "postgresql://post:hidden@localhost/mail"\n',
            'FILE:2: store.database: has no effect: store.engine is "embedded"; write engine = ',
        ),
        ("[store]\nlease_seconds = 10\n", "FILE:2: store.lease_seconds: has no effect"),
        ('[store.s3]\nregion = "x"\n', "FILE:2: store.s3.region: has no effect: store.engine"),
        (
            WHOLE + '[store.s3]\nregion = "x"\n',
            "FILE:5: store.s3.region: has no effect: there is no object store; set store.objects",
        ),
        (
            CLUSTER
            + 'database = "postgresql://post:hidden@localhost,db/mail?target_session_attrs=read-write"\n',
            "FILE:3: store.database: mail and accounts cross the network, and the database is not",
        ),
        (
            CLUSTER + 'database = "postgresql:///mail?host=db&sslmode=require"\n',
            "FILE:3: store.database: mail and accounts cross the network, and the database is not",
        ),
        (
            CLUSTER + 'database = "postgresql://post:hidden@db/mail?sslmode=verify-full"\n',
            "FILE:3: store.database: has sslmode=verify-… without sslrootcert: the system's authorities",
        ),
        (
            OBJECTS + '[store.s3]\nendpoint = "http://s3.example.org"\n',
            "FILE:6: store.s3.endpoint: mail crosses the network to the object store in the clear",
        ),
    ],
)
def test_what_deserves_a_second_look(tmp_path: Path, text: str, expected: str) -> None:
    (warning,) = read(tmp_path, text).warnings
    assert expected.replace("FILE", str(tmp_path / "p.toml")) in str(warning)
    assert "hidden" not in str(warning)


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        CLUSTER + 'objects = "s3://bodies"\n[store.s3]\naccess_key = "post"\n',
        {
            "PILLARBOX_STORE__DATABASE": "postgresql://post:word@localhost/mail",
            "PILLARBOX_STORE__S3__SECRET_KEY": "word",
        },
    )
    assert config.store.database == "postgresql://post:word@localhost/mail"
    assert config.store_s3.secret_key == "word"
