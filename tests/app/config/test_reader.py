"""The section ``[reader]``, and whose it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.config import ConfigError, TcpAddress, load
from pillarbox.app.config.reader import Reader
from pillarbox.app.config.reader_loading import load_reader


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pillarbox.toml"


def test_without_it_all_is_as_usual(file: Path) -> None:
    file.write_text("")
    assert load_reader(file, environ={}) == Reader()
    assert Reader().listen == TcpAddress("127.0.0.1", 0)


def test_all_of_it(file: Path, tmp_path: Path) -> None:
    file.write_text(
        '[reader]\nlibrary = "mail"\nlisten = "0.0.0.0:8443"\nnames = ["mail.example.org"]\n'
        'certificate = "c.pem"\nkey = "k.pem"\npassword_command = "pass show page"\n'
    )
    assert load_reader(file, environ={}) == Reader(
        library=tmp_path / "mail",
        listen=TcpAddress("0.0.0.0", 8443),
        names=("mail.example.org",),
        certificate=tmp_path / "c.pem",
        key=tmp_path / "k.pem",
        password_command="pass show page",
    )


def test_who_is_stronger(file: Path) -> None:
    file.write_text('[reader]\nlisten = "127.0.0.1:1"\n')
    environ = {"PILLARBOX_READER__LISTEN": "127.0.0.1:2"}
    overrides = ["reader.listen=127.0.0.1:3"]
    options = {"listen": "127.0.0.1:4"}

    def port(*sources: object) -> object:
        listen = load_reader(file, *sources).listen  # type: ignore[arg-type] # as they come
        assert isinstance(listen, TcpAddress)
        return listen.port

    assert port((), {}, {}) == 1
    assert port((), {}, environ) == 2
    assert port(overrides, {}, environ) == 3
    assert port(overrides, options, environ) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[reader]\nlibary = "x"', "did you mean reader.library?"),
        ('[reader]\nlisten = "unix:/x"', "which no browser can open"),
        ('[reader]\nlisten = "8080"', "is not an address"),
        ("[reader]\nlibrary = 1", "will not do"),
        ("reader = 1", "is a section"),
    ],
)
def test_mistakes(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as failed:
        load_reader(file, environ={})
    assert said in str(failed.value)


def test_an_option_is_named_as_it_was_typed(file: Path) -> None:
    file.write_text("")
    with pytest.raises(ConfigError, match=r"^--listen: "):
        load_reader(file, (), {"listen": "x"}, {})


def test_server_and_fetch_leave_it_alone_and_it_leaves_theirs(file: Path) -> None:
    file.write_text(
        '[reader]\nlibrary = 17\n[server]\nhostname = "mail.example.org"\n'
        '[accounts.a]\nurl = "pop3s://a@b.example"\nto = "maildir:x"\n'
    )
    assert load(file, environ={}).server.hostname == "mail.example.org"
    assert read_accounts(file, environ={}).faults == []
    file.write_text('[reader]\nlibrary = "x"\n[server]\nhostname = 17\n[accounts.a]\nurl = 1\n')
    assert load_reader(file, environ={}).library == file.parent / "x"


def test_a_section_that_looks_like_it(file: Path) -> None:
    file.write_text("[readr]\nx = 1\n")
    with pytest.raises(ConfigError, match=r"did you mean \[reader\]\?"):
        load(file, environ={})
    (fault,) = read_accounts(file, environ={}).faults
    assert fault.hint == "did you mean [reader]?"
