"""A command that prints a password: ``pass show mail/work`` and the like.

The first line of what it prints counts, as with other collectors of mail. Nothing that it
prints is ever shown or logged, not even when it fails: it may be the password. What it writes
to its stderr goes to ours, as that is where such programs explain themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from pillarbox.client.errors import InvalidSetting
from pillarbox.contracts.errors import PillarboxError

TIMEOUT = 300.0
"""Seconds: it may have to ask a person to unlock something."""
MAX_OUTPUT = 64 * 1024
"""Octets; the longest access tokens have some 4,000. What is more is no password."""


class PasswordCommandFailed(PillarboxError):
    """The command gave no password this time; what it printed is not in the text."""


class PasswordCommandUnusable(InvalidSetting):
    """The command cannot even be run."""


async def password_from(words: Sequence[str], whose: str) -> str:
    """The first line that the command *words* prints, for the account *whose*.

    Raises:
        PasswordCommandUnusable: it could not be run.
        PasswordCommandFailed: it failed, took too long, or printed nothing.
    """
    try:
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        raise PasswordCommandUnusable(
            f"the password command of {whose} ({words[0]}) cannot be run: {error.strerror}; "
            "check its path"
        ) from None
    try:
        async with asyncio.timeout(TIMEOUT):
            output = await _output(process)
            code = await process.wait()
    except TimeoutError:
        raise _failed(words, whose, f"did not end within {TIMEOUT:.0f} seconds") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise _failed(words, whose, how)
    return _first_line(output, words, whose)


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """What it prints, up to the limit; the rest is read, so that it can end, and forgotten."""
    assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
    kept = b""
    while piece := await process.stdout.read(MAX_OUTPUT):
        kept += piece[: MAX_OUTPUT + 1 - len(kept)]
    return kept


def _first_line(output: bytes, words: Sequence[str], whose: str) -> str:
    line = output.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise _failed(words, whose, "printed no password in its first line")
    if len(line) > MAX_OUTPUT:
        raise _failed(words, whose, "printed a first line that is too long for a password")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise _failed(words, whose, "printed a password that is not UTF-8") from None


def _failed(words: Sequence[str], whose: str, what: str) -> PasswordCommandFailed:
    """Only the program is named: an argument could be a secret, too."""
    return PasswordCommandFailed(
        f"the password command of {whose} ({words[0]}) {what}: run it by hand to see why"
    )
