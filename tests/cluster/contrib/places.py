"""Where the files are that run a cluster, and what is to be known of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pillarbox.app.config import Config, load
from pillarbox.app.config.addresses import Address, TcpAddress

ROOT = Path(__file__).parents[3]
CONTRIB = ROOT / "contrib" / "cluster"
KUBERNETES = CONTRIB / "kubernetes"
SECRETS = Path("/run/secrets")
"""Where containers have them."""


def prepare(folder: Path) -> Path:
    """The secrets, made as an operator makes them."""
    subprocess.run([CONTRIB / "prepare", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def compose() -> dict[str, Any]:
    """``compose.yaml``, as a tool reads it: merges done."""
    return yaml.safe_load((CONTRIB / "compose.yaml").read_text())  # type: ignore[no-any-return]


def documents(file: Path) -> dict[str, Any]:
    """What is in a file for Kubernetes, by its kind and name."""
    return {
        f"{document['kind']} {document['metadata']['name']}": document
        for document in yaml.safe_load_all(file.read_text())
    }


def configuration(file: Path) -> Config:
    """As a node reads it, but for the environment."""
    return load(file, environ={})


def port_of(door: Sequence[Address]) -> int:
    """Of the one address of *door*."""
    (address,) = door
    assert isinstance(address, TcpAddress)
    return address.port


def said(*command: object) -> str:
    """What a program says that is in the virtual environment, and does not fail."""
    program, *arguments = map(str, command)
    done = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def checked(file: Path, folder: Path) -> str:
    """What ``check-config`` says of *file* where containers' secrets are in *folder*."""
    text = file.read_text()
    for path in sorted({SECRETS, SECRETS / "pillarbox", SECRETS / "certificate"}, reverse=True):
        text = text.replace(f"{path}/", f"{folder}/")
    moved = folder / "pillarbox.toml"
    moved.write_text(text)
    return said("pillarbox", "--config", moved, "--set", "server.user=nobody", "check-config")
