"""docs/configuration.md describes every setting, with its true default."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pillarbox.app.config import Address, load
from pillarbox.app.config.settings import SECTIONS

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
# Defaults that depend on the machine or on another setting are told in words.
IN_WORDS = {"server.hostname", "server.workers", "delivery.domains", "tls.certificate", "tls.key"}

SETTINGS = [
    (section, key) for section, struct in SECTIONS.items() for key in struct.__struct_fields__
]


def table_of(section: str) -> dict[str, tuple[str, str]]:
    """``{key: (default, meaning)}`` of the section's table."""
    _, found, after = PAGE.partition(f"\n### `[{section}]`\n")
    assert found, f"[{section}] is not documented"
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
    real = getattr(getattr(load(environ={}), section), key)
    assert tomllib.loads(f"v = {default.strip('`')}")["v"] == as_toml(real)


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
