"""The real command against our own real server: one post office a test module, a new user a
test."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import warm
from tests.postoffice import PASSWORD, PATIENCE, PostOffice

_numbers = itertools.count(1)


class Done(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """What ``--json`` told."""
        return [json.loads(line) for line in self.out.splitlines()]


class Box:
    """A user of the post office, and what collects their mail."""

    def __init__(self, office: PostOffice, user: str, home: Path) -> None:
        self.office = office
        self.user = user
        self.home = home
        """Home folder and working directory of the commands."""
        self.mail = home / "Mail"
        (home / "password").write_text(f"{PASSWORD}\n")

    @property
    def url(self) -> str:
        return f"pop3s://{self.user}@localhost:{self.office.addresses['pop3s'].port}"

    @property
    def stls_url(self) -> str:
        return f"pop3://{self.user}@localhost:{self.office.addresses['pop3'].port}"

    @property
    def name(self) -> str:
        """What a run by URL calls the account."""
        return f"{self.user}@localhost"

    @property
    def usual(self) -> list[str]:
        """Options that a run by URL needs here."""
        return [
            f"--to=maildir:{self.mail}",
            f"--ca={self.office.authority}",
            f"--password-command=cat {self.home / 'password'}",
        ]

    def without(self, option: str) -> list[str]:
        """The usual options but for one."""
        return [each for each in self.usual if not each.startswith(f"{option}=")]

    def deliver(self, *names: str) -> None:
        for name in names:
            self.office.deliver(letter(name), self.user)

    def fetch(self, *options: str) -> Done:
        """``pillarbox fetch URL`` with the usual options and these; they come last."""
        return self.run("fetch", self.url, *self.usual, *options)

    def run(
        self,
        *arguments: str,
        text: str = "",
        within: Callable[[], None] | None = None,
        env: Mapping[str, str] | None = None,
        fresh: bool = False,
    ) -> Done:
        """``pillarbox`` with these *arguments* and *text* on its standard input; *within* is
        called in its process before it begins.

        In an interpreter of its own if it is to be *fresh*, or if there is something that it has
        to begin with; otherwise forked from one that has the modules (see :mod:`tests.warm`).
        """
        if not fresh and within is None and env is None:
            done = warm.run(
                arguments, self.environment, folder=self.home, text=text, timeout=PATIENCE
            )
            return Done(done.returncode, done.stdout, done.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "pillarbox", *arguments],
            cwd=self.home,
            env={**self.environment, **(env or {})},
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            preexec_fn=within,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def environment(self) -> dict[str, str]:
        """As for a user who has set up nothing."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PILLARBOX_", "XDG_"))
        }
        nowhere = "keyring.backends.fail.Keyring"
        return {**kept, "HOME": str(self.home), "PYTHON_KEYRING_BACKEND": nowhere}

    def configure(self, text: str) -> Path:
        """Write the configuration file, where it is found without being named."""
        file = self.home / "pillarbox.toml"
        file.write_text(text)
        return file

    @property
    def account(self) -> str:
        """The settings of an account of this user, for a configuration."""
        return (
            f'url = "{self.url}"\nca = "{self.office.authority}"\n'
            f'password_command = "cat {self.home / "password"}"\n'
        )

    @property
    def stored(self) -> list[str]:
        """The subjects of what has been stored, in order."""
        return subjects(self.mail)

    @property
    def on_server(self) -> list[str]:
        """The subjects of what is on the server, in order."""
        return [_subject(content) for content in self.office.collect(self.user)]


def letter(name: str) -> bytes:
    return f"Subject: {name}\r\n\r\nThe letter {name}.\r\n.dots and\r\n..dots\r\n".encode()


def subjects(maildir: Path) -> list[str]:
    return sorted(_subject(path.read_bytes()) for path in maildir.glob("new/*"))


def _subject(content: bytes) -> str:
    (line,) = [each for each in content.splitlines() if each.startswith(b"Subject: ")]
    return line.removeprefix(b"Subject: ").decode()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with PostOffice(
        tmp_path_factory.mktemp("office"), settings={"server": {"workers": 1}}
    ) as started:
        yield started


@pytest.fixture
def make_box(office: PostOffice, tmp_path: Path) -> Callable[[], Box]:
    """Makes a user with a home folder of their own."""

    def make() -> Box:
        user = f"user{next(_numbers)}"
        office.add_users([user])
        home = tmp_path / user
        home.mkdir()
        return Box(office, user, home)

    return make


@pytest.fixture
def box(make_box: Callable[[], Box]) -> Box:
    return make_box()


def heed_permissions() -> None:
    """Before a program begins: it is held to the permissions of files, even if root's."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
