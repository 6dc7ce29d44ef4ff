"""Sections that lie in another one, however they are given: ``[auth.badge]``."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta, Struct

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.config import ConfigError, load, loading, reading, sections, sources
from pillarbox.app.config.settings import SECTIONS, Config


class Badge(Struct, frozen=True, kw_only=True):
    issuer: str = "nobody"
    colours: Annotated[int, Meta(ge=1)] = 3


class WithBadge(Config, frozen=True, kw_only=True):
    auth_badge: Badge = msgspec.field(default_factory=Badge)


@pytest.fixture(autouse=True)
def badge(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sections, sources):
        monkeypatch.setattr(module, "SUBSECTIONS", (*sections.SUBSECTIONS, "auth.badge"))
    monkeypatch.setattr(loading, "Config", WithBadge)
    monkeypatch.setitem(SECTIONS, "auth.badge", Badge)
    reading.field_types.cache_clear()


def read(tmp_path: Path, text: str = "", *overrides: str, **environ: str) -> Badge:
    file = tmp_path / "p.toml"
    file.write_text(text)
    config = load(file, overrides, environ)
    assert isinstance(config, WithBadge)
    return config.auth_badge


def faults(tmp_path: Path, text: str = "", *overrides: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, *overrides, **environ)
    return str(caught.value)


def test_each_source_reaches_into_a_section(tmp_path: Path) -> None:
    text = '[auth]\napop = false\n[auth.badge]\nissuer = "file"\ncolours = 4\n'
    assert read(tmp_path) == Badge()
    assert read(tmp_path, text) == Badge(issuer="file", colours=4)
    variable = {"PILLARBOX_AUTH__BADGE__ISSUER": "environment"}
    assert read(tmp_path, text, **variable) == Badge(issuer="environment", colours=4)
    strongest = read(tmp_path, text, "auth.badge.issuer=command", **variable)
    assert strongest == Badge(issuer="command", colours=4)


def test_a_fault_names_its_line(tmp_path: Path) -> None:
    said = faults(tmp_path, '[auth]\n\n[auth.badge]\nissuer = "x"\ncolours = 0\n')
    assert f"{tmp_path}/p.toml:5: auth.badge.colours" in said


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[auth.badge]\nisuer = 1\n", "did you mean auth.badge.issuer?"),
        ("[auth.bage]\nissuer = 1\n", "did you mean [auth.badge]?"),
        ("[auth]\nbadge = 7\n", "write [auth.badge] on a line of its own"),
        ("[badge]\nissuer = 1\n", "auth"),
    ],
)
def test_slips_are_recognised(tmp_path: Path, text: str, hint: str) -> None:
    assert hint in faults(tmp_path, text)


def test_a_slip_in_a_variable_is_recognised(tmp_path: Path) -> None:
    said = faults(tmp_path, PILLARBOX_AUTH_BADGE_ISSUER="x")
    assert "write PILLARBOX_AUTH__BADGE__ISSUER" in said
    assert "auth.badge" in faults(tmp_path, PILLARBOX_AUTH__BADGE_ISSUER="x")


def test_fetch_leaves_it_alone(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text('[auth.badge]\nissuer = "x"\n[accounts.a]\nurl = "pop3s://a@example.org"\n')
    variable = {"PILLARBOX_AUTH__BADGE__ISSUER": "x"}
    accounts = read_accounts(file, ["auth.badge.colours=1"], variable)
    assert list(accounts.by_name) == ["a"]
    assert accounts.faults == []
