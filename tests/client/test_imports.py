"""The client needs the standard library only, and a poll loads little of that."""

from __future__ import annotations

import subprocess
import sys

import pytest

COLLECTING = ["errors", "hosts", "url", "endpoint", "authorities", "tls", "dialing", "proxy"]
SETTING_UP = ["tls_faults", "discovery"]
# Each costs a poll more than a millisecond.
HEAVY = {
    "pillarbox.client.through_proxy",
    "email",
    "http",
    "http.client",
    "urllib.request",
    "json",
    "importlib.metadata",
}

PROGRAM = """
import sys
for name in sys.argv[1:]:
    __import__("pillarbox.client." + name)
print(*sys.modules)
"""


def loaded_by(names: list[str]) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *names]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def loaded_by_python() -> set[str]:
    """What a start loads anyhow (an editable install has a hook of its own, for example)."""
    return loaded_by([])


@pytest.mark.parametrize("names", [COLLECTING, SETTING_UP], ids=["collecting", "setting up"])
def test_only_the_standard_library_is_loaded(names: list[str]) -> None:
    tops = {name.partition(".")[0] for name in loaded_by(names) - loaded_by_python()}
    assert tops - sys.stdlib_module_names - {"pillarbox"} == set()


def test_what_collects_mail_loads_nothing_heavy() -> None:
    assert loaded_by(COLLECTING) & HEAVY == set()
