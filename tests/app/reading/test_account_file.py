"""Accounts change in the file, and nothing else does."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.app.reading.account_file import AccountFile
from pillarbox.reader.errors import CannotAddAccount

BY_HAND = """\
# My post office.
[server]
hostname = "mail.example.org"   # the name outside

[defaults]
keep_days = 14

# At work.
[accounts.work]
url = "pop3s://alice@mail.example.org"   # TLS
# asks a person
password_command = "pass show work"

[accounts.work.oauth2]
provider = "google"

[accounts."a.b@c"]
url = "pop3s://b@mail.example.org"

[limits]
deny = [
  "192.0.2.1",  # he knows why
]
"""

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=40)
values = st.dictionaries(
    st.sampled_from(["from", "name", "signature", "keep", "keep_days", "smtp", "url", "oauth2"]),
    st.none() | texts | st.booleans() | st.integers(0, 400) | st.fixed_dictionaries({"a": texts}),
    min_size=1,
)
names = st.sampled_from(["work", "a.b@c", "home", "x-1", "new.one@example.org"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, values), min_size=1, max_size=4))
def test_all_else_stays(tmp_path: Path, changes: list[tuple[str, dict[str, Any]]]) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text(BY_HAND)
    expected = tomllib.loads(BY_HAND)
    file = AccountFile(path)
    for name, change in changes:
        file.put(name, change)
        table = expected["accounts"].setdefault(name, {})
        table.update({key: value for key, value in change.items() if value is not None})
        for key in [key for key, value in change.items() if value is None]:
            table.pop(key, None)
        assert tomllib.loads(path.read_text()) == expected
    text = path.read_text()
    for comment in (
        "# My post office.",
        "# the name outside",
        "# At work.",
        "# asks a person",
        "# he knows why",
    ):
        assert comment in text


def test_lines_that_are_not_meant_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text(BY_HAND)
    AccountFile(path).put("work", {"keep_days": 30})
    before, after = BY_HAND.splitlines(), path.read_text().splitlines()
    assert [line for line in after if line not in before] == ["keep_days = 30"]
    assert [line for line in before if line not in after] == []


def test_an_account_goes(tmp_path: Path) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text(BY_HAND)
    AccountFile(path).drop("work")
    expected = tomllib.loads(BY_HAND)
    del expected["accounts"]["work"]
    assert tomllib.loads(path.read_text()) == expected
    assert "# he knows why" in path.read_text()
    assert AccountFile(path).names() == {"a.b@c"}


def test_the_first_account_makes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config" / "pillarbox" / "pillarbox.toml"
    file = AccountFile(path)
    assert file.names() == set()
    file.put("home", {"url": "pop3s://a@b", "keep_days": 30})
    assert tomllib.loads(path.read_text()) == {
        "accounts": {"home": {"url": "pop3s://a@b", "keep_days": 30}}
    }
    assert path.stat().st_mode & 0o777 == 0o600
    file.drop("home")
    assert tomllib.loads(path.read_text()) == {}


def test_mode_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text(BY_HAND)
    real.chmod(0o640)
    link = tmp_path / "pillarbox.toml"
    link.symlink_to(real)
    AccountFile(link).put("home", {"url": "x"})
    assert link.is_symlink()
    assert "home" in tomllib.loads(real.read_text())["accounts"]
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "text",
    [
        'accounts = { work = { url = "a" } }\n',
        'accounts.work.url = "a"\n[server]\nhostname = "x"\n',
        '[accounts]\nwork = { url = "a" }\n',
        '[accounts.work]\nurl = "a"\n[server]\nhostname = "x"\n[accounts.home]\nurl = "b"\n',
    ],
)
def test_however_it_was_written(tmp_path: Path, text: str) -> None:
    """Either the change is made exactly, or nothing is and the user is told."""
    path = tmp_path / "pillarbox.toml"
    for name in ("work", "other"):
        path.write_text(text)
        expected = tomllib.loads(text)
        expected["accounts"].setdefault(name, {})["keep_days"] = 3
        with suppress(CannotAddAccount):
            AccountFile(path).put(name, {"keep_days": 3})
        now = path.read_text()
        assert now == text or tomllib.loads(now) == expected


def test_a_file_that_is_not_toml_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pillarbox.toml"
    path.write_text("[accounts.work\n")
    with pytest.raises(CannotAddAccount, match="mend it by hand"):
        AccountFile(path).put("work", {"keep_days": 3})
    assert path.read_text() == "[accounts.work\n"
