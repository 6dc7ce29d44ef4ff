"""The demo's reader: ``pillarbox read`` on the accounts of Alice and Bob, with all that is its own in the demo's folder.

A process of its own, and of a session of its own: Ctrl-C in the terminal is the demo's, which then ends
the reader in order. If the demo is killed, the reader's standard input ends, and so does the reader.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pillarbox.app.collecting.password_file import keep_password
from pillarbox.app.demo_guide import Demo

READER = "reader"
"""Its folder within the demo's, and Alice's device."""
CONFIG = "pillarbox.toml"
PATIENCE = 15.0
"""Seconds that the reader may take to end in order; what it holds then is safe on disk whatever happens."""

_KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
_ALSO = ("XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH", "VIRTUAL_ENV")


class DemoReader:
    """Of one demo."""

    def __init__(self, demo: Demo, *, browser: bool) -> None:
        self._demo = demo
        self._browser = browser
        self._process: subprocess.Popen[bytes] | None = None
        self._said: int | None = None

    def start(self) -> int:
        """Begin; the descriptor of a pipe from which it can be read where the page is. It stays open here, so that the
        reader can say more after somebody has read that.
        """
        self._said, writes = os.pipe()
        try:
            if {"pop3s", "smtp"} <= self._demo.ports.keys():
                self._process = subprocess.Popen(
                    self._command(self._write()),
                    stdin=subprocess.PIPE,
                    stdout=writes,
                    env=_environment(),
                    start_new_session=True,
                )
        finally:
            os.close(writes)
        return self._said

    def stop(self) -> None:
        """End it; what it was doing goes on at the next start."""
        if self._process is not None:
            self._process.terminate()
            if self._process.stdin is not None:
                self._process.stdin.close()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._said is not None:
            os.close(self._said)

    def _command(self, config: Path) -> list[str]:
        command = [
            sys.executable,
            "-m",
            "pillarbox",
            "--config",
            str(config),
            "read",
            "--end-with-stdin",
        ]
        command += ["--state", str(config.parent / "state")]
        return command if self._browser else [*command, "--no-browser"]

    def _write(self) -> Path:
        """Configuration and passwords; what it says is written anew with each demo, as ports and passwords are new."""
        folder = Path(self._demo.folder) / READER
        folder.mkdir(mode=0o700, exist_ok=True)
        lines = ["# Written by `pillarbox demo`.", "[reader]", 'library = "mail"']
        for user, password in self._demo.passwords.items():
            device = self._demo.devices.get(READER) if user == "alice" else None
            keep_password(folder / f"{user}.password", device or password)
            lines += self._account(user, f"{user}+{READER}" if device else user)
        file = folder / CONFIG
        file.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return file

    def _account(self, user: str, signs_in: str) -> list[str]:
        demo = self._demo
        authority = json.dumps(str(Path(demo.folder) / "ca.pem"))
        return [
            f"[accounts.{user}]",
            f'url = "pop3s://{signs_in}@localhost:{demo.ports["pop3s"]}"',
            'to = "reader"',
            "keep = true",
            f'password_file = "{user}.password"',
            f"ca = {authority}",
            f'from = "{user}@{demo.domain}"',
            f'name = "{user.capitalize()}"',
            f'smtp = "smtp://localhost:{demo.ports["smtp"]}"',
            "smtp_auth = false",
        ]


def _environment() -> dict[str, str]:
    """Without the settings of a real Pillarbox, which a demo must never touch."""
    return {name: value for name in (*_KEPT, *_ALSO) if (value := os.environ.get(name))}
