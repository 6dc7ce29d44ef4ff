"""Five hundred messages that have gone wrong somewhere: the mail that real clients are tried on.

Two sources. The messages that CPython ships for the tests of its ``email`` package (where
present: some distributions leave them out; made-up ones then stand in, so that there are
always :data:`SIZE`). And messages made here to be awkward: each for a place where a server
or a client is known to have lost, added or changed an octet.

A :class:`Sample` holds the message as a file might hold it, with whatever line ends. What a
post office must give back is its :attr:`~Sample.canonical` form, worked out here from the
RFCs and not by Pillarbox.
"""

from __future__ import annotations

import functools
import importlib.util
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SIZE = 500
LARGEST = 5 * 1024 * 1024

# Sizes at which pieces, buffers and ways of storing are likely to change.
_BORDERS = (512, 998, 1000, 1024, 2048, 4096, 8192, 16_384, 65_536, 131_072, 262_144)


class Sample(NamedTuple):
    """One message of the corpus."""

    name: str
    content: bytes

    @property
    def canonical(self) -> bytes:
        """What any client must get back, octet for octet.

        CRLF ends each line, the last one too (RFC 1939, section 3). A bare LF in a file is
        a line end; a bare CR is not one (RFC 5322, section 2.3) and stays where it is.
        """
        return _canonical(self.content)


@functools.cache
def _canonical(content: bytes) -> bytes:
    text = re.sub(rb"(?<!\r)\n", b"\r\n", content)
    return text if not text or text.endswith(b"\r\n") else text + b"\r\n"


@functools.cache
def corpus() -> tuple[Sample, ...]:
    """The whole corpus, always the same; no two messages are canonically equal."""
    samples: list[Sample] = []
    seen: set[bytes] = set()
    for sample in _all():
        if sample.canonical not in seen:
            seen.add(sample.canonical)
            samples.append(sample)
        if len(samples) == SIZE:
            return tuple(samples)
    raise AssertionError(f"only {len(samples)} messages")


def email_test_data() -> Path | None:
    """The folder with the messages of CPython's ``test.test_email``; None: not installed."""
    try:
        found = importlib.util.find_spec("test.test_email")
    except ModuleNotFoundError:
        return None
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "data"
    return folder if folder.is_dir() else None


def _all() -> Iterator[Sample]:
    yield from _shipped()
    for make in (_dots, _shapes, _octets, _lines, _sizes, _dots_at_borders, _headers, _huge):
        for number, content in enumerate(make(), 1):
            yield Sample(f"{make.__name__[1:]} {number}", content)
    yield from _random()


def _shipped() -> Iterator[Sample]:
    folder = email_test_data()
    if folder is not None:
        for path in sorted(folder.glob("msg_*.txt")):
            yield Sample(path.name, path.read_bytes())


def _dots() -> Iterator[bytes]:
    """What stuffing can get wrong."""
    yield b"."
    yield b".\n"
    yield b"..\n"
    yield b".\r\n.\r\n.\r\n"
    yield b".header: no, a dot\n\nbody\n"
    yield b"Subject: lone dots\n\n.\n.\n..\n...\nend\n"
    yield b"Subject: dots at line starts\n\n.a\n..b\n...c\n. d\n.\te\n"
    yield b"Subject: dots elsewhere\n\na.\nb .c\n .\n\t.\nd\n"
    yield b"Subject: a dot at the very end\n\nbody\n."
    yield b"Subject: two dots at the very end\n\nbody\n.."
    yield b"Subject: what looks like the end of the reply\n\n.\r\n+OK 17 octets\r\n"
    yield b"Subject: and like the end of the session\n\n.\r\nQUIT\r\n-ERR\r\n"
    yield b"Subject: a dot after an empty line\n\n\n.\n\n.\n\n"
    yield b"Subject: a dot after spaces\n\nspaces   \n.spaces\n"
    yield b"Subject: many dots\n\n" + b".\n" * 3000
    yield b"Subject: long lines of dots\n\n" + (b"." * 1000 + b"\n") * 20
    for width in range(1, 12):
        yield b"Subject: a row of dots\n\n" + b"." * width + b"\n"


def _shapes() -> Iterator[bytes]:
    """Headers and bodies that are there, or not."""
    yield b""
    yield b"\n"
    yield b"\r\n\r\n"
    yield b"x"
    yield b" "
    yield b"\t\n"
    yield b"\nonly a body\n"
    yield b"\n\n\nempty lines first\n"
    yield b"Subject: only a header"
    yield b"Subject: only a header, with its line end\n"
    yield b"Subject: an empty body\n\n"
    yield b"Subject: no last line end\n\nbody"
    yield b"no colon and no empty line at all"
    yield b"no colon here\nSubject: nor an empty line before\nbody\n"
    yield b" starts with a folded line\nSubject: x\n\nbody\n"
    yield b"From someone Mon Sep 17 00:00:00 2001\nSubject: an mbox line first\n\nbody\n"
    yield b"Subject: From in the body\n\nFrom here on\n>From there\n"
    yield b"Subject: empty lines at the end\n\nbody\n\n\n\n\n"
    yield b"Subject: CRLF throughout\r\n\r\nbody\r\n"
    yield b"Subject: LF and CRLF\r\n\nbody\r\nmore\nand more\r\n"
    yield b"Subject:\n\n\n"
    yield b": no name\n\nbody\n"
    yield b"Subject: a header that is all there is\nX-Long: " + b"y" * 5000


def _octets() -> Iterator[bytes]:
    """Octets that text is said not to have."""
    yield "Subject: grüße aus köln\n\nraw UTF-8 in the header\n".encode()
    yield "From: Jörg <j@example.net>\nTo: 世界 <s@example.net>\n\n日本語\n".encode()
    yield b"Subject: caf\xe9 in Latin-1\n\n\xe9\xe8\xe0\xff\xfe\n"
    yield b"Subject: not UTF-8 at all\n\n\xc3\x28\xa0\xa1\xe2\x28\xa1\xf0\x28\x8c\xbc\n"
    yield b"Subject: every octet but CR and LF\n\n" + bytes(set(range(256)) - {10, 13}) + b"\n"
    yield b"Subject: a NUL in the body\n\nbefore\0after\n\0\n\0\0\0 three\n"
    yield b"Subject: a line of NULs\n\n" + b"\0" * 500 + b"\n"
    yield b"Subject: control codes\n\n\x01\x02\x07\x08\x0b\x0c\x1a\x1b[31mred\x7f\n"
    yield b"Subject: a DOS end of file\n\nbody\n\x1a"
    yield b"Subject: telnet\n\n\xff\xff\xfb\x01\xff\xf4\n"
    yield b"Subject: UTF-16\n\n" + "as it is.\r\n".encode("utf-16-le") + b"\n"
    yield b"\xef\xbb\xbfSubject: a byte order mark first\n\nbody\n"
    yield "Subject: other line ends\n\na\x0bb\x0cc\x1cd\x1de\x85f\u2028g\u2029h\n".encode()
    yield b"Subject: a bare CR in a line\n\nleft\rright\n"
    yield b"Subject: bare CRs\n\n\ra\r\rb\r \r\n"
    yield b"Subject: CR CR LF\n\nline\r\r\nnext\r\r\r\n"
    yield b"Subject: a bare CR at the very end\n\nbody\r"
    yield b"Subject: a bare CR\rin the header\n\nbody\n"


def _lines() -> Iterator[bytes]:
    """Lines of all lengths."""
    for length in (76, 997, 998, 999, 1000, 2047, 2048, 8191, 8192, 65_535, 65_536, 262_145):
        yield b"Subject: a line of %d\n\n" % length + b"l" * length + b"\nshort\n"
    yield b"Subject: a long header line\nX-Long: " + b"h" * 20_000 + b"\n\nbody\n"
    yield b"Subject: folded\n" + b" and folded again\n" * 300 + b"\nbody\n"
    yield b"Subject: a megabyte in a line\n\n" + b"m" * 1024 * 1024
    yield b"Subject: empty lines\n\n" + b"\n" * 20_000
    yield b"Subject: lines of one octet\n\n" + b"o\n" * 20_000
    yield b"Subject: spaces at line ends\n\none \ntwo  \ntab\t\n \n  \n\t\n"
    yield b"Subject: trailing space in the header \nX-Also: \t \n\nbody\n"
    yield b"Subject: quoted-printable\n\nsoft=\n break=20=\n.=\n\n=2E\n"
    yield b"Subject: format=flowed\n\n> quoted \n> more \n-- \nsignature\n"


def _filled(subject: bytes, size: int) -> bytes:
    """A message of *size* octets when canonical."""
    start = b"Subject: " + subject + b"\r\n\r\n"
    line = b"%08d the quick brown fox jumps over the lazy dog\r\n"
    rest = max(0, size - len(start) - 2)
    text = b"".join(line % number for number in range(rest // 50 + 1))[:rest]
    # A cut between CR and LF would make another message of it.
    return start + text.rstrip(b"\r\n").ljust(rest, b"-") + b"\r\n"


def _sizes() -> Iterator[bytes]:
    """Just below, at and just above the sizes that matter, with room for trace fields."""
    for border in _BORDERS:
        for more in (-1, 0, 1):
            yield _filled(b"size %d" % (border + more), border + more)
    # Final delivery adds some 150 to 250 octets: the border itself is met by one of these.
    for size in range(65_536 - 280, 65_536 - 120, 4):
        yield _filled(b"near the largest small body, %d" % size, size)


def _dots_at_borders() -> Iterator[bytes]:
    r"""``\r\n.`` cut by the ends of pieces in every place, also after stuffing has moved it."""
    for border in (1024, 8192, 65_536, 262_144):
        for shift in range(-4, 5):
            start = b"Subject: CRLF dot at %d%+d\r\n\r\n" % (border, shift)
            filling = b"f" * (border + shift - len(start))
            yield start + filling + b"\r\n.\r\n..\r\n.after\r\n" + b"g" * 100 + b"\r\n"
    for step in (3, 5, 7):
        # Dot lines all along: some cross every border, whatever was put in front.
        yield b"Subject: dots all along\r\n\r\n" + (b"." * (step - 2) + b"\r\n") * (300_000 // step)


def _headers() -> Iterator[bytes]:
    """Fields that servers and clients take an interest in."""
    yield b"Received: from a by b;\n Mon, 17 Sep 2001 00:00:00 +0000\nSubject: one hop\n\nx\n"
    yield b"Received: from a by b; date\n" * 20 + b"Subject: twenty hops\n\nx\n"
    yield b"Status: RO\nX-Status: A\nX-UIDL: 12345\nX-UID: 1\nSubject: mbox fields\n\nx\n"
    yield b"Content-Length: 3\nSubject: a wrong length\n\nmuch more than three\n"
    yield b"Content-Transfer-Encoding: binary\nSubject: said to be binary\n\n\x80\x81\n"
    yield b"Message-ID: <twice@example.net>\nSubject: one of two\n\nx\n"
    yield b"Message-ID: <twice@example.net>\nSubject: two of two\n\nx\n"
    yield b"To: undisclosed-recipients:;\nCc:\nBcc: a@example.net\nSubject: empty groups\n\nx\n"
    yield b"From: a@b, c@d\nSender: (comment\nReply-To: <>\nSubject: broken addresses\n\nx\n"
    yield b'To: "unclosed <x@example.net>\nSubject: =?utf-8?q?unclosed\n\nx\n'
    yield b"Subject: =?iso-8859-1?q?=E9?= =?nonsense?x?y?=\n\nx\n"
    yield b"".join(b"X-Field-%d: value\n" % n for n in range(500)) + b"\nfive hundred fields\n"
    yield b"subject: lower case\nSUBJECT: upper case\n\nx\n"
    yield b"Subject : a space before the colon\n\nx\n"


def _huge() -> Iterator[bytes]:
    yield _filled(b"five megabytes", LARGEST)
    yield b"Subject: a megabyte of dot lines\n\n" + b".\n" * (512 * 1024)
    noise = random.Random(1939).randbytes(1024 * 1024)
    yield b"Subject: a megabyte of noise\n\n" + _harmless(noise)


def _random() -> Iterator[Sample]:
    """The rest: pieces that matter, thrown together."""
    dice = random.Random(20_260_101)
    pieces = (
        b"\r\n",
        b"\n",
        b".",
        b"..",
        b" ",
        b"\t",
        b"text",
        b"\xc3\xa9",
        b"\xff",
        b":",
        b"From ",
    )
    number = 0
    while True:
        number += 1
        count = dice.choice((5, 20, 100, 1000, 5000))
        body = b"".join(dice.choices(pieces, k=count))
        yield Sample(f"random {number}", b"Subject: random %d\n\n" % number + _harmless(body))


def _harmless(content: bytes) -> bytes:
    """*content* without what delivery refuses: dot lines fenced by a bare CR (smuggling)."""
    return re.sub(rb"\r(?!\n)", b"", content)
