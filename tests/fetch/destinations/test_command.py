"""A command that reads each message, and ends in every way a command can."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from pillarbox.fetch.destinations import Destination, Owner, parse_destination
from pillarbox.fetch.destinations import command as command_module
from pillarbox.fetch.errors import DestinationUnusable
from tests.corpus import corpus

from .conftest import staged, stored

LETTERS = [b"Subject: %d\r\n\r\nbody\r\n" % number for number in range(3)]


def running(folder: Path, *words: str) -> Destination:
    owner = Owner("0a1b2c3d", folder / "spool", "alice")
    destination = parse_destination(f"command:{shlex.join(words)}").open(owner)
    destination.prepare()
    return destination


def shell(folder: Path, script: str) -> Destination:
    return running(folder, "sh", "-c", script)


def test_each_message_on_standard_input_with_unix_lines(tmp_path: Path) -> None:
    script = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); n = len(list(p.iterdir())); (p / str(n)).write_bytes(sys.stdin.buffer.read())"
    out = tmp_path / "a folder"
    out.mkdir()
    samples = [sample.canonical for sample in corpus()[:20]]
    destination = running(tmp_path, sys.executable, "-c", script, str(out))
    assert stored(destination, samples, 7) == [None] * 20
    written = [(out / str(number)).read_bytes() for number in range(20)]
    assert written == [text.replace(b"\r\n", b"\n") for text in samples]


def test_the_home_folder_can_be_written_as_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    deliver = tmp_path / "deliver"
    deliver.write_text('#!/bin/sh\ncat > "$1"\n')
    deliver.chmod(0o700)
    destination = parse_destination("command:~/deliver ~/mail").open(
        Owner("0a1b2c3d", tmp_path / "spool", "alice")
    )
    destination.prepare()
    assert stored(destination, [b"one\r\n"]) == [None]
    assert (tmp_path / "mail").read_text() == "one\n"


def test_a_command_need_not_read_it(tmp_path: Path) -> None:
    assert stored(running(tmp_path, "true"), [b"x" * 1_000_000, b""]) == [None, None]


@pytest.mark.parametrize(
    ("script", "temporary", "said"),
    [
        ("exit 1", False, "refuses it with exit code 1"),
        ("echo no thanks; exit 67", False, 'refuses it with exit code 67, saying "no thanks"'),
        ("exit 65", False, "exit code 65"),
        ("exit 75", True, "ended with 75 .temporary failure.: it will be tried again"),
        ("echo full >&2; exit 73", True, 'ended with 73 .cannot create., saying "full"'),
        ("exit 64", True, "ended with 64 .usage."),
        ("no-such-program-anywhere", True, "ended with 127 .not found."),
        ("kill -9 $$", True, "was killed by signal 9"),
        ("printf 'a\\nb\\t\\377'; exit 1", False, 'saying "a b \ufffd"'),
    ],
)
def test_one_message_is_refused_and_the_others_go_on(
    tmp_path: Path, script: str, temporary: bool, said: str
) -> None:
    destination = shell(tmp_path, f"if grep -q 'Subject: 1'; then {script}; fi")
    tokens = staged(destination, *LETTERS)
    first, second, third = destination.publish(tokens)
    assert first is third is None
    assert second is not None
    assert second.temporary is temporary
    with pytest.raises(type(second), match=said):
        raise second
    assert [destination.settle(token) for token in tokens] == [True, False, True]


def test_much_output_is_read_and_forgotten(tmp_path: Path) -> None:
    (refused,) = stored(shell(tmp_path, "yes | head -c 5000000; exit 1"), LETTERS[:1])
    assert command_module.OUTPUT <= len(str(refused)) < command_module.OUTPUT + 200


def test_a_command_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed, with all that it has started."""
    monkeypatch.setattr(command_module, "TIMEOUT", 0.2)
    destination = shell(tmp_path, "sleep 1000 & sleep 1000; true")
    (refused,) = stored(destination, LETTERS[:1])
    assert refused is not None
    assert refused.temporary
    assert "did not end within 0 seconds" in str(refused)


def test_a_child_that_is_left_behind_delays_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_module, "LAST_WORDS", 0.05)
    fifo = tmp_path / "fifo"
    script = f"mkfifo {fifo}; (read _ < {fifo}) & exit 1"
    (refused,) = stored(shell(tmp_path, script), LETTERS[:1])
    assert refused is not None
    fifo.write_text("end\n")


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    destination = running(tmp_path, "/no/such/program")
    tokens = staged(destination, *LETTERS)
    with pytest.raises(DestinationUnusable, match="/no/such/program"):
        destination.publish(tokens)
    assert not any(map(destination.settle, tokens))


def test_no_shell_is_involved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = parse_destination(f"command:touch {tmp_path}/made; touch $HOME")
    destination = target.open(Owner("0a1b2c3d", tmp_path / "spool", "alice"))
    destination.prepare()
    stored(destination, LETTERS[:1])
    assert {"made;", "touch", "$HOME"} <= {path.name for path in tmp_path.iterdir()}


def test_after_a_crash_what_had_not_ended_is_retrieved_again(tmp_path: Path) -> None:
    destination = running(tmp_path, "true")
    tokens = staged(destination, *LETTERS)
    destination.publish(tokens[:1])
    again = parse_destination("command:true").open(Owner("0a1b2c3d", tmp_path / "spool", "alice"))
    again.prepare(tokens)
    assert [again.settle(token) for token in tokens] == [True, False, False]
