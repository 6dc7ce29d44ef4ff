"""Help, the table of commands, and their documentation."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pillarbox import __version__
from pillarbox.app.cli import app
from pillarbox.app.cli.cluster import ClusterGroup
from pillarbox.app.cli.device import DeviceGroup
from pillarbox.app.cli.lazy import Entry, LazyGroup, load_command
from pillarbox.app.cli.maildrop import MaildropGroup
from pillarbox.app.cli.root import RootGroup
from pillarbox.app.cli.user import UserGroup
from tests.app.cli.conftest import Spawn

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text()
GROUPS: dict[str, type[LazyGroup]] = {
    "user": UserGroup,
    "device": DeviceGroup,
    "maildrop": MaildropGroup,
    "cluster": ClusterGroup,
}


def leaves() -> list[tuple[str, Entry]]:
    """Every command that does something, with its full name."""
    found = []
    for name, entry in RootGroup.table.items():
        if name in GROUPS:
            found += [(f"{name} {sub}", e) for sub, e in GROUPS[name].table.items()]
        else:
            found.append((name, entry))
    return found


def command_of(entry: Entry) -> Any:
    return load_command("x", entry)


@pytest.mark.parametrize(("name", "entry"), [*leaves(), *RootGroup.table.items()])
def test_the_summary_in_the_table_is_the_commands_own(name: str, entry: Entry) -> None:
    first = inspect.cleandoc(command_of(entry).help).splitlines()[0]
    assert first.startswith(entry.summary.rstrip("."))


@pytest.mark.parametrize(("name", "entry"), leaves())
def test_every_command_is_documented_with_its_options(name: str, entry: Entry) -> None:
    heading = re.search(rf"^## `pillarbox {name}\b(.*)`$", PAGE, re.MULTILINE)
    assert heading, f"docs/commands.md has no section for `pillarbox {name}`"
    section = re.split(r"\n## ", PAGE[heading.end() :])[0]
    for parameter in command_of(entry).params:
        if parameter.param_type_name == "argument":
            assert parameter.metavar.strip("[]") in heading[1]
        else:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                assert f"`{option}" in section or option == "--help"


def test_nothing_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^## `pillarbox ([a-z -]+?)(?: [A-Z\[].*)?`$", PAGE, re.MULTILINE)
    assert sorted(documented) == sorted(name for name, _ in leaves())


def test_the_options_before_the_command_are_documented() -> None:
    root = typer.main.get_command(app)
    for parameter in root.params:
        for option in parameter.opts:
            assert f"`{option}" in PAGE


def test_every_command_has_help() -> None:
    for name, entry in leaves():
        result = CliRunner().invoke(app, [*name.split(), "--help"])
        assert result.exit_code == 0
        assert entry.summary.split()[0] in result.stdout


@pytest.mark.parametrize(("name", "entry"), [*leaves(), *RootGroup.table.items()])
def test_a_paragraph_of_help_is_one_line_for_the_terminal_to_break(name: str, entry: Entry) -> None:
    text = command_of(entry).help
    assert all("\n" not in paragraph.strip("\n") for paragraph in text.split("\n\n"))


def test_the_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"pillarbox {__version__}\n"


def test_without_a_command_the_help_is_shown_as_a_usage_error() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "serve" in result.output


def test_a_slip_is_answered_with_what_was_meant() -> None:
    result = CliRunner().invoke(app, ["user", "lst"])
    assert result.exit_code == 2
    assert "Did you mean 'list'" in result.output


def test_commands_of_later_capabilities_are_absent() -> None:
    for name in ("doctor",):
        assert name not in RootGroup.table
        assert CliRunner().invoke(app, [name]).exit_code == 2


def test_help_imports_no_server(spawn: Spawn, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "atexit.register(lambda: print(sorted(sys.modules), file=open('modules', 'w')))\n"
    )
    spawn("--help", path=str(tmp_path))
    modules = (tmp_path / "modules").read_text()
    assert "'pillarbox.app.cli.root'" in modules
    for heavy in ("uvicorn", "aiosmtpd", "uvloop", "argon2", "sqlite3", "pillarbox.server"):
        assert f"'{heavy}'" not in modules


@pytest.mark.parametrize("command", [[], *([*name.split()] for name, _ in leaves())], ids=" ".join)
def test_help_shows_no_value_behind_what_takes_none(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"]).output
    assert "--help" in shown
    assert "bool" not in shown
