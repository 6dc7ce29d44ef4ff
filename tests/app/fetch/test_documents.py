"""What docs/howto/fetch.md and the README say can be done."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.collecting.recipe import make_recipe
from pillarbox.app.config.faults import Fault
from tests.app.fetch.conftest import Box
from tests.postoffice import PASSWORD, PATIENCE

ROOT = Path(__file__).parents[3]
HOWTO = (ROOT / "docs/howto/fetch.md").read_text()
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", HOWTO, re.DOTALL))
def test_every_example_is_a_configuration(tmp_path: Path, example: str) -> None:
    file = tmp_path / "pillarbox.toml"
    file.write_text(example)
    accounts = read_accounts(file, ["defaults.to=maildir:x"], {})
    faults: list[Fault] = list(accounts.faults)
    for name, layer in accounts.by_name.items():
        make_recipe(name, [layer, accounts.defaults], "", faults)
    assert faults == []


def test_what_another_collector_left_is_noted_and_not_stored(box: Box) -> None:
    assert "pillarbox fetch work --keep --to command:true" in HOWTO
    box.configure(f'[defaults]\nto = "maildir:Mail"\nkeep = true\n[accounts.work]\n{box.account}')
    box.deliver("old")
    done = box.run("fetch", "work", "--keep", "--to", "command:true")
    assert done.code == 0
    box.deliver("new")
    assert box.run("fetch", "work").code == 0
    assert box.stored == ["new"]
    assert box.on_server == ["old", "new"]


def test_a_user_with_a_slash_in_a_url(box: Box) -> None:
    assert "pop3s://alice%2Fhome@pop.example.net" in HOWTO
    done = box.run("fetch", "pop3s://alice%2Fhome@127.0.0.1:1", "--to=maildir:x", "--dry-run")
    assert "alice/home@127.0.0.1: cannot reach" in done.err


def test_the_readmes_program_runs(box: Box) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    program = program.replace("pop3s://alice@mail.example.org", box.url).replace("…", PASSWORD)
    box.deliver("one", "two")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**box.environment, "SSL_CERT_FILE": str(box.office.authority)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    stat, first, second = done.stdout.splitlines()
    assert stat.startswith("Stat(count=2, ")
    assert (first.split()[0], second.split()[0]) == ("1", "2")
