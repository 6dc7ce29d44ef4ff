"""docs/howto/several-devices.md shows what the commands really print."""

from __future__ import annotations

import re
from pathlib import Path

from pillarbox.app.cli.device import DeviceGroup
from pillarbox.app.cli.maildrop import MaildropGroup
from pillarbox.app.cli.root import RootGroup
from pillarbox.app.cli.user import UserGroup
from pillarbox.auth.app_passwords import letters_of
from tests.app.cli.conftest import Run

PAGE = (Path(__file__).parents[3] / "docs/howto/several-devices.md").read_text()
GROUPS = {"device": DeviceGroup, "user": UserGroup, "maildrop": MaildropGroup}


def test_every_command_of_the_page_exists() -> None:
    named = set(re.findall(r"pillarbox (\w+)(?: ([a-z-]+))?", PAGE))
    assert ("device", "add") in named
    for command, sub in named:
        assert command in RootGroup.table
        if command in GROUPS:
            assert sub in GROUPS[command].table, (command, sub)


def test_the_sample_of_device_add_is_what_it_prints(run: Run, alice: str, tmp_path: Path) -> None:
    sample = re.search(r"\$ pillarbox device add alice phone\n(.*?)```", PAGE, re.DOTALL)
    assert sample
    password = re.search(r"password +(\S+)", sample[1])
    assert password
    assert letters_of(password[1])
    settings = ("--set", "server.hostname=mail.example.org", "--set", "tls.certificate=cert.pem")
    printed = run(*settings, "device", "add", alice, "phone").stdout
    found = re.search(r"password +(\S+)", printed)
    assert found
    assert printed.replace(found[1], password[1]) == sample[1]
