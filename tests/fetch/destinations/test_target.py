"""What may stand behind ``--to``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.fetch.destinations import Owner, parse_destination
from pillarbox.fetch.destinations.command import CommandDestination
from pillarbox.fetch.destinations.lmtp import LmtpDestination
from pillarbox.fetch.destinations.maildir import MaildirDestination
from pillarbox.fetch.destinations.mbox import MboxDestination
from pillarbox.fetch.destinations.mh import MhDestination
from pillarbox.fetch.errors import InvalidDestination


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("maildir:/a/b", "maildir:/a/b", MaildirDestination),
        ("maildir:~/Mail", "maildir:/home/alice/Mail", MaildirDestination),
        ("maildir:Mail", "maildir:/here/Mail", MaildirDestination),
        ("maildir:/a:b", "maildir:/a:b", MaildirDestination),
        ("mbox:inbox", "mbox:/here/inbox", MboxDestination),
        ("mh:~", "mh:/home/alice", MhDestination),
        ("lmtp:localhost:24", "lmtp:localhost:24", LmtpDestination),
        ("lmtp:[::1]:24", "lmtp:[::1]:24", LmtpDestination),
        ("lmtp:unix:/run/lmtp", "lmtp:unix:/run/lmtp", LmtpDestination),
        ("lmtp:unix:~/lmtp", "lmtp:unix:/home/alice/lmtp", LmtpDestination),
        ("command:procmail -d 'a b'", "command:procmail -d 'a b'", CommandDestination),
    ],
)
def test_good(text: str, name: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setattr("os.getcwd", lambda: "/here")
    target = parse_destination(text)
    assert str(target) == name
    assert parse_destination(name) == target
    destination = target.open(Owner("0a1b2c3d", Path("/no/such/spool"), "alice"))
    assert isinstance(destination, kind)
    destination.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/home/alice/Mail",
        "Maildir:/a",
        "imap:host",
        "maildir:",
        "mbox:",
        "maildir:/a\0b",
        "maildir:~nobody-of-that-name/x",
        "lmtp:localhost",
        "lmtp::24",
        "lmtp:host:0",
        "lmtp:host:65536",
        "lmtp:host:port",
        "lmtp:host:²",
        "lmtp:unix:",
        "command:",
        "command: ",
        "command:sh -c 'x",
    ],
)
def test_bad(text: str) -> None:
    with pytest.raises(InvalidDestination, match=r"maildir:DIR.*lmtp:HOST:PORT") as error:
        parse_destination(text)
    assert f'"{text}"' in str(error.value)


def test_what_one_has_left_half_done_is_out_of_reach_of_another(tmp_path: Path) -> None:
    owner = Owner("0a1b2c3d", tmp_path / "spool", "alice")
    first = parse_destination(f"mbox:{tmp_path}/a").open(owner)
    first.prepare()
    staging = first.stage()
    staging.write(b"A: b\r\n\r\n")
    token = staging.finish()
    first.sync([staging])
    for other in (f"mbox:{tmp_path}/b", "command:true"):
        parse_destination(other).open(owner).prepare()
    assert first.settle(token)
    assert (tmp_path / "a").read_bytes().endswith(b"A: b\n\n\n")
