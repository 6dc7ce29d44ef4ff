"""docs/configuration.md describes every setting, with its true default."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.collecting.keys import KEYS, OAUTH2_KEYS
from pillarbox.app.collecting.recipe import make_recipe
from pillarbox.app.config import Address, load
from pillarbox.app.config.reader import Reader
from pillarbox.app.config.settings import SECTIONS, TABLES

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
# Defaults that depend on the machine or on another setting are told in words.
IN_WORDS = {
    "server.hostname",
    "server.workers",
    "delivery.domains",
    "tls.certificate",
    "tls.key",
    "tls.client_ca",
    "tls.client_crl",
}
IN_WORDS |= {"auth.mechanisms"}
IN_WORDS |= {
    f"auth.oauth.{key}"
    for key in ("issuer", "jwks", "introspection", "client_id", "client_secret_file", "user_claim")
}

SETTINGS = [
    (section, key) for section, struct in SECTIONS.items() for key in struct.__struct_fields__
]


def table_of(section: str) -> dict[str, tuple[str, str]]:
    """``{key: (default, meaning)}`` of the section's table."""
    return table_under(f"[{section}]")


def table_under(heading: str) -> dict[str, tuple[str, str]]:
    """The same under any heading of this form."""
    _, found, after = PAGE.partition(f"\n### `{heading}`\n")
    assert found, f"{heading} is not documented"
    part = re.split(r"\n##", after)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", part, re.MULTILINE)
    return {key: (default, meaning) for key, default, meaning in rows}


def as_toml(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(item) if isinstance(item, Address) else item for item in value]
    return str(value) if isinstance(value, Path) else value


@pytest.mark.parametrize(("section", "key"), SETTINGS)
def test_every_setting_is_documented_with_its_default(section: str, key: str) -> None:
    default, meaning = table_of(section)[key]
    assert meaning.strip()
    if f"{section}.{key}" in IN_WORDS:
        return
    real = getattr(getattr(load(environ={}), section.replace(".", "_")), key)
    if real is None:
        assert default == "none"
        return
    assert tomllib.loads(f"v = {default.strip('`')}")["v"] == as_toml(real)


def test_every_setting_of_the_readers_page_is_documented_with_its_default() -> None:
    table = table_of("reader")
    assert list(table) == list(Reader.__struct_fields__)
    for key, (default, meaning) in table.items():
        real = getattr(Reader(), key)
        assert meaning.strip()
        told = None if default == "none" else tomllib.loads(f"v = {default.strip('`')}")["v"]
        assert told == (
            str(real) if isinstance(real, Address) else as_toml(real) if real is not None else None
        )


def test_nothing_is_documented_that_does_not_exist() -> None:
    documented = [(section, key) for section in SECTIONS for key in table_of(section)]
    assert documented == SETTINGS


def test_the_example_is_a_whole_configuration(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    path = tmp_path / "pillarbox.toml"
    path.write_text(example[1])
    config = load(path, environ={}, serving=True)
    assert config.warnings == ()


def test_the_example_of_a_cluster_is_a_whole_configuration(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "howto" / "cluster.md").read_text()
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    path = tmp_path / "pillarbox.toml"
    path.write_text(example[1])
    config = load(path, environ={}, serving=True)
    assert config.store.is_shared
    assert config.warnings == ()


def test_every_setting_of_a_list_of_tables_is_documented() -> None:
    for name, struct in TABLES.items():
        table = table_under(f"[[{name}]]")
        assert list(table) == list(struct.__struct_fields__)
        assert all(meaning.strip() for _, meaning in table.values())


def test_the_example_of_certificates_by_name_is_one(tmp_path: Path) -> None:
    _, example, _ = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "pillarbox.toml"
    path.write_text(example)
    (table,) = load(path, environ={}, serving=True).tls.sni
    assert table.names == ("mail.example.net", "*.pop.example.net")
    assert table.certificate == tmp_path / "net/fullchain.pem"
    assert table.key == tmp_path / "net/privkey.pem"


# Of accounts. None and those that depend on the machine are told in words.
ACCOUNT_DEFAULTS = {
    "keep": False,
    "keep_days": 0,
    "insecure_cleartext": False,
    "timeout": 60,
    "smtp_auth": True,
    "smtp_insecure_cleartext": False,
}


def test_every_setting_of_accounts_is_documented() -> None:
    table = table_under("[accounts.NAME]")
    assert list(table) == list(KEYS)
    assert all(meaning.strip() for _, meaning in table.values())
    told = {key: default for key, (default, _) in table.items() if re.fullmatch("`[^`]*`", default)}
    assert {key: tomllib.loads(f"v = {text.strip('`')}")["v"] for key, text in told.items()} == (
        ACCOUNT_DEFAULTS
    )


def test_what_is_told_of_their_defaults_is_true(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('[accounts.a]\nurl = "pop3://a@b"\nto = "maildir:x"\n')
    accounts = read_accounts(path, environ={})
    recipe = make_recipe("a", [accounts.by_name["a"]], "", [])
    assert recipe is not None
    account = recipe.account
    assert account.rules == (ACCOUNT_DEFAULTS["keep_days"], None)
    assert account.timeout == ACCOUNT_DEFAULTS["timeout"]
    assert account.endpoint.security == "stls"
    assert (account.recipient, account.mechanism, account.proxy) == (None, None, None)
    assert account.tls == (None, None, None)


def test_every_key_of_oauth2_is_documented() -> None:
    _, _, section = PAGE.partition("\n### `oauth2`\n")
    told = {
        key
        for row in re.findall(r"^\| (`.*?`) \| .+ \|$", section, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", row)
    }
    assert told == set(OAUTH2_KEYS)


def test_the_example_of_accounts_is_one(tmp_path: Path) -> None:
    *_, example = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "pillarbox.toml"
    path.write_text(example)
    accounts = read_accounts(path, environ={})
    assert accounts.faults == []
    assert list(accounts.by_name) == ["work", "outlook"]
