import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.sources import mbox as module
from pillarbox.sources.found import SourceUnusable
from pillarbox.sources.mbox import Mbox

FROM = b"From alice@example.org Mon Nov 23 20:19:00 2026\n"


def messages(tmp_path: Path, content: bytes) -> list[bytes | None]:
    path = tmp_path / "mbox"
    path.write_bytes(content)
    with closing(Mbox(path)) as source:
        return [found.raw for found in source]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n", []),
        (FROM + b"a: b\n\nx\n", [b"a: b\n\nx\n"]),
        (FROM + b"a: b\n\nx\n\n", [b"a: b\n\nx\n"]),
        (FROM + b"a: b\n\nx\n\n\n", [b"a: b\n\nx\n\n"]),
        (FROM + b"a: b\n\nx\n\n" + FROM + b"c: d\n\ny\n", [b"a: b\n\nx\n", b"c: d\n\ny\n"]),
        (b"\n" + FROM + b"a: b\n\nx", [b"a: b\n\nx"]),
        # CRLF throughout
        (
            b"From - Mon Nov 23 20:19:00 2026\r\na: b\r\n\r\nx\r\n\r\nFrom \r\nc: d\r\n\r\ny\r\n",
            [b"a: b\r\n\r\nx\r\n", b"c: d\r\n\r\ny\r\n"],
        ),
        # A sentence that begins with "From" is no separator
        (FROM + b"a: b\n\nx\n\nFrom here on\n", [b"a: b\n\nx\n\nFrom here on\n"]),
        # nor is a separator that does not stand after an empty line
        (FROM + b"a: b\n\nx\n" + FROM + b"y\n", [b"a: b\n\nx\n" + FROM + b"y\n"]),
        # Quoting is undone by one level
        (FROM + b"a: b\n\n>From x\n>>From y\n> From z\n", [b"a: b\n\nFrom x\n>From y\n> From z\n"]),
        (FROM + b"\n\n", [None]),
    ],
)
def test_what_an_mbox_holds(tmp_path: Path, content: bytes, expected: list[bytes]) -> None:
    assert messages(tmp_path, content) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"From alice Mon Nov 23 20:19:00 2026",
        b"From alice Mon Nov 23 20:19 2026",
        b"From alice Mon Nov 23 20:19:00 +0100 2026",
        b"From alice Mon Nov 23 20:19:00 2026 +0100",
        b"From MAILER-DAEMON Mon Nov  2 20:19:00 CET 2026",
        b"From 1234@xxx Mon Nov 23 20:19:00 +0000 2026",
        b'From "a b"@example.org Mon Nov 23 20:19:00 2026',
        b"From - Mon Nov 23 20:19:00 2026",
        b"From -",
        b"From ",
    ],
)
def test_separators_as_programs_write_them(tmp_path: Path, line: bytes) -> None:
    assert messages(tmp_path, line + b"\na: b\n\nx\n\n" + line + b"\nc: d\n\ny\n") == [
        b"a: b\n\nx\n",
        b"c: d\n\ny\n",
    ]


HOLE = bytes(3000)
MOZILLA = b"From - Mon Nov 23 20:19:00 2026\nX-Mozilla-Status: 0001\n"


@pytest.mark.parametrize(
    ("between", "first"),
    [
        (HOLE + b"\n" + MOZILLA, b"a: b\n\nx\n"),
        (b"par" + HOLE + b"\r\n" + MOZILLA, b"a: b\n\nx\npar"),
        (b"\n" + HOLE + MOZILLA, b"a: b\n\nx\n"),
        (b"par" + HOLE + FROM + b"X-Mozilla-Status: 0001\n", b"a: b\n\nx\npar"),
        (HOLE + b"\n" + FROM + b"X-Mozilla-Status: 0001\n", b"a: b\n\nx\n"),
        (bytes(64 * 1024) + bytes(70_000) + b"\n" + MOZILLA, b"a: b\n\nx\n"),
        (bytes(64 * 1024 - 10) + MOZILLA, b"a: b\n\nx\n"),
        (HOLE + b"\n\n" + MOZILLA, b"a: b\n\nx\n" + HOLE + b"\n"),
        (MOZILLA, b"a: b\n\nx\n"),
    ],
)
def test_a_message_behind_a_hole_is_not_lost_in_the_one_before(
    tmp_path: Path, between: bytes, first: bytes
) -> None:
    content = FROM + b"a: b\n\nx\n" + between + b"c: d\n\ny\n"
    assert messages(tmp_path, content) == [first, b"X-Mozilla-Status: 0001\nc: d\n\ny\n"]


def test_the_account_comes_first_in_what_thunderbird_has_collected(tmp_path: Path) -> None:
    second = b"X-Account-Key: account1\nX-UIDL: 7\nX-Mozilla-Status: 0001\n\ny\n"
    content = FROM + b"a: b\n\nx\nFrom - Mon Nov 23 20:19:00 2026\n" + second
    assert messages(tmp_path, content) == [b"a: b\n\nx\n", second]


@pytest.mark.parametrize(
    "body",
    [
        b"x\nFrom - Mon Nov 23 20:19:00 2026\ny\n",
        b"x\nFrom - \nX-Mozilla-Status: 0001\n",
        b"x\0From here on\n",
        b"x\0\nFrom \ny\n",
        b"x\0y From - Mon Nov 23 20:19:00 2026\n",
        b"\0\n\0\n\n\0x\0\0y\n",
    ],
)
def test_what_only_looks_like_a_separator_is_text(tmp_path: Path, body: bytes) -> None:
    assert messages(tmp_path, FROM + b"a: b\n\n" + body) == [b"a: b\n\n" + body]


@pytest.mark.parametrize("nuls", [1, 3000, 200_000])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_nuls_before_the_first_message_are_passed_over(
    tmp_path: Path, nuls: int, end: bytes
) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(bytes(nuls) + end + b"From \na: b\n\nx\n\n" + FROM + b"c: d\n\ny\n")
    with closing(Mbox(path)) as source:
        found = list(source)
    assert [each.raw for each in found] == [b"a: b\n\nx\n", b"c: d\n\ny\n"]
    assert found[0].label == f"the message at line {1 + bool(end)}"
    assert sum(each.units for each in found) == path.stat().st_size


def test_an_mbox_of_nuls_says_so(tmp_path: Path) -> None:
    assert messages(tmp_path, bytes(200_000)) == [None]


def test_nuls_at_the_end_are_no_part_of_the_last_message(tmp_path: Path) -> None:
    assert messages(tmp_path, FROM + b"a: b\n\nx\n" + HOLE) == [b"a: b\n\nx\n"]


def test_a_hole_takes_no_message_over_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGE_OCTETS", 100)
    content = FROM + b"a: b\n\nx\n" + HOLE + b"\n" + FROM + b"c: d\n\n" + HOLE + b"y\n"
    assert messages(tmp_path, content) == [b"a: b\n\nx\n", None]


lines = st.lists(
    st.binary(max_size=8).map(lambda line: line.replace(b"\n", b""))
    | st.sampled_from([b"", b"From ", b">From x", b">>From ", FROM.rstrip(), b".", b"\r"]),
    min_size=1,
)
bodies = lines.map(lambda found: b"a: b\n\n" + b"\n".join(found) + b"\n")


def mboxrd(bodies: list[bytes]) -> bytes:
    """As a mail system writes it."""
    content = b""
    for body in bodies:
        quoted = [
            b">" + line if line.lstrip(b">").startswith(b"From ") else line
            for line in body.split(b"\n")
        ]
        content += FROM + b"\n".join(quoted) + b"\n"
    return content


@given(st.lists(bodies))
def test_mboxrd_round_trips_arbitrary_messages(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]
) -> None:
    assert messages(tmp_path_factory.getbasetemp(), mboxrd(bodies)) == bodies


def test_long_lines_come_through_in_pieces(tmp_path: Path) -> None:
    body = b"a: b\n\n" + b"x" * 300_000 + b"From \n" + b">From \n" * 3
    assert messages(tmp_path, mboxrd([body, body])) == [body, body]


def test_what_is_too_large_is_skipped_and_the_rest_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGE_OCTETS", 100)
    path = tmp_path / "mbox"
    path.write_bytes(mboxrd([b"a: b\n\n" + b"x\n" * 100, b"c: d\n\ny\n"]))
    with closing(Mbox(path)) as source:
        large, small = source
    assert (large.raw, large.problem) == (None, "is larger than 100 octets")
    assert (small.raw, small.label) == (b"c: d\n\ny\n", "the message at line 105")


def test_units_add_up_to_the_total(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"\n" + mboxrd([b"a: b\n\nx\n"] * 3))
    with closing(Mbox(path)) as source:
        assert sum(found.units for found in source) == source.total == path.stat().st_size


@pytest.mark.parametrize("content", [b"Subject: a mail\n\nx\n", b"\x00\x01", b"From me to you\n\n"])
def test_what_is_no_mbox_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(content)
    with pytest.raises(SourceUnusable, match="is not an mbox"):
        Mbox(path)


HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_an_mbox_that_somebody_writes_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(FROM + b"a: b\n\nx\n")
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"locked\n"
        with pytest.raises(SourceUnusable, match="another program is writing to it"):
            Mbox(path)
        writer.communicate()
    assert len(messages(tmp_path, path.read_bytes())) == 1


@pytest.mark.parametrize("follow", [True, False])
def test_a_link_is_followed_only_if_it_may_be_and_no_pipe_is_waited_for(
    tmp_path: Path, *, follow: bool
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceUnusable, match="it is not a regular file"):
        Mbox(tmp_path / "pipe", follow=follow)
    (tmp_path / "mbox").write_bytes(FROM + b"a: b\n\nx\n")
    (tmp_path / "link").symlink_to(tmp_path / "mbox")
    if follow:
        with closing(Mbox(tmp_path / "link")) as source:
            assert len(list(source)) == 1
    else:
        with pytest.raises(SourceUnusable, match="cannot be read"):
            Mbox(tmp_path / "link", follow=follow)
