"""Errors become one clear sentence and one of the promised exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from pillarbox.app.cli.exits import CommandFailed, ExitCode, code_of, sentence
from pillarbox.app.collecting.password_command import (
    PasswordCommandFailed,
    PasswordCommandUnusable,
)
from pillarbox.app.config import ConfigError, Fault
from pillarbox.app.exits import most_serious
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import AccountExists, AccountsUnavailable, InvalidName, NoSuchAccount
from pillarbox.client.errors import (
    Insecure,
    InvalidSetting,
    InvalidUrl,
    OutOfStep,
    SignInFailed,
    SignInRefused,
    TimedOut,
    UnknownMechanism,
    Unreachable,
    refusal,
)
from pillarbox.contracts.errors import (
    AuthUnavailable,
    CredentialsRefused,
    MaildropLocked,
    StoreUnavailable,
)
from pillarbox.fetch.errors import (
    DestinationUnusable,
    InvalidDestination,
    JournalBusy,
    JournalUnusable,
    NotConfirmed,
)
from pillarbox.fetch.oauth.errors import (
    InvalidOAuthSettings,
    ProviderRefused,
    ProviderUnreachable,
    SignInNeeded,
)
from pillarbox.wire.replies import Code
from pillarbox.wire.verbs import Verb
from tests.app.cli.conftest import Run, Spawn


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("x", temporary=True), 1),
        (StoreUnavailable("x", temporary=False), 1),
        (MaildropLocked("x"), 1),
        (AuthUnavailable("x"), 1),
        (AccountsUnavailable("x"), 1),
        (OSError(28, "No space left on device"), 1),
        (KeyboardInterrupt(), 1),
        (ZeroDivisionError("x"), 1),
        (ConfigError([Fault("f:1", "a.b", "x")]), 2),
        (InvalidName("x"), 2),
        (AccountExists("x"), 2),
        (NoSuchAccount("x"), 2),
        (CredentialsRefused("x"), 3),
        (CommandFailed("x", ExitCode.INSECURE), 4),
        # Of those who collect mail.
        (Unreachable("x"), 1),
        (Unreachable("x", temporary=False), 1),
        (TimedOut("x"), 1),
        (OutOfStep("x"), 1),
        (refusal(Verb.RETR, Code.IN_USE, "x"), 1),
        (refusal(Verb.RETR, Code.LOGIN_DELAY, "x"), 1),
        (refusal(Verb.RETR, Code.SYS_PERM, "x"), 1),
        (DestinationUnusable("x"), 1),
        (JournalUnusable("x"), 1),
        (JournalBusy("x"), 1),
        (NotConfirmed([]), 1),
        (ProviderUnreachable("x"), 1),
        (PasswordCommandFailed("x"), 1),
        (InvalidUrl("x"), 2),
        (UnknownMechanism("x"), 2),
        (InvalidSetting("x"), 2),
        (InvalidDestination("x"), 2),
        (InvalidOAuthSettings("x"), 2),
        (PasswordCommandUnusable("x"), 2),
        (SignInRefused(Code.AUTH, "x"), 3),
        (SignInRefused(None, ""), 3),
        (SignInFailed("x"), 3),
        (SignInNeeded("x"), 3),
        (ProviderRefused("x"), 3),
        (Insecure("x"), 4),
    ],
)
def test_the_exit_code_of_an_error(error: BaseException, code: int) -> None:
    assert code_of(error) == code
    assert "\n" not in sentence(error)


def test_of_several_the_most_serious_counts() -> None:
    order = [ExitCode.DONE, ExitCode.PARTIAL, ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INSECURE]
    for place, code in enumerate(order):
        assert most_serious(order[: place + 1]) is code
    assert most_serious([]) is ExitCode.DONE


def test_faults_of_the_configuration_stand_alone_so_that_editors_find_them() -> None:
    error = ConfigError([Fault("f:1", "a.b", "x", "y"), Fault("f:2", "a.c", "z")])
    assert sentence(error) == "f:1: a.b: x; y\nf:2: a.c: z"


def test_an_error_of_the_system_names_the_file() -> None:
    assert sentence(FileNotFoundError(2, "No such file", "/x")) == "pillarbox: /x: No such file"


def test_a_defect_says_that_it_is_one() -> None:
    assert "this is a defect" in sentence(ZeroDivisionError("x"))


@pytest.mark.parametrize("error", [ZeroDivisionError("of ours"), OSError(5, "I/O error")])
def test_no_traceback_unless_asked_for(
    run: Run, alice: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(Accounts, "records", fails)
    quiet = run("user", "list", code=1)
    assert quiet.stderr.count("\n") == 1
    assert quiet.stdout == ""
    assert "Traceback" in run("--debug", "user", "list", code=1).stderr
    monkeypatch.setenv("PILLARBOX_DEBUG", "1")
    assert "Traceback" in run("user", "list", code=1).stderr


def test_a_fault_in_the_configuration_ends_every_command_with_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("[server]\nhostnam = 'x'\n")
    for command in (["user", "list"], ["maildrop", "check"], ["import", "x", "alice"]):
        result = run("--config", str(path), *command, code=2)
        assert result.stderr == (
            f"{path}:2: server.hostnam: there is no such setting; did you mean server.hostname?\n"
        )


def test_a_reader_that_has_seen_enough_is_no_error(
    settings: list[str], run: Run, alice: str
) -> None:
    command = [sys.executable, "-m", "pillarbox", *settings, "user", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_real_processes_end_the_same_way(spawn: Spawn, store: Path) -> None:
    spawn("user", "add", "alice", "--password-stdin", text="secret\n")
    assert "alice" in spawn("user", "list").stdout
    for arguments, code in [
        (["user", "passwd", "bob", "--password-stdin"], 2),
        (["--set", "x", "user", "list"], 2),
        (["user", "list", "--jsn"], 2),
        (["nonsense"], 2),
    ]:
        done = spawn(*arguments, code=code, text="x\n")
        assert done.stderr
        assert "Traceback" not in done.stderr
    (store / "accounts.db").write_bytes(b"not a database" * 100)
    done = spawn("user", "list", code=1)
    assert f"{store}/accounts.db" in done.stderr
    assert done.stderr.count("\n") == 1
