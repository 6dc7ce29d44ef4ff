"""Files that are sent to the page."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path

import pytest

from pillarbox.reader.incoming import PIECE, Received
from tests.small_disk import mounted


class Counted(io.BytesIO):
    """Notes how much there is of a file altogether, here and where it comes from."""

    def __init__(self, source: io.BytesIO) -> None:
        super().__init__()
        self.source = source
        self.octets = self.most = 0

    def write(self, piece: bytes) -> int:  # type: ignore[override]  # octets only
        self.octets += len(piece)
        self.most = max(self.most, self.octets + len(self.source.getbuffer()))
        return super().write(piece)


@pytest.mark.parametrize("octets", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_a_file_is_moved_and_never_lies_there_twice(octets: int) -> None:
    content = random.Random(7).randbytes(octets)
    source = io.BytesIO(content)
    target = Counted(source)
    received = Received(source)
    assert received.octets == octets
    received.into(target)
    assert target.getvalue() == content
    assert source.getvalue() == b""
    assert target.most <= octets + PIECE


@pytest.mark.parametrize("in_memory", [1, 1 << 30])
def test_a_disk_that_holds_it_once_is_enough(tmp_path: Path, in_memory: int) -> None:
    """A file of 30 MB needed 60 MB."""
    content = random.Random(7).randbytes(6 * PIECE)
    with (
        mounted(tmp_path / "disk", 8 * PIECE) as disk,
        tempfile.SpooledTemporaryFile(in_memory, dir=str(disk)) as source,
    ):
        source.write(content)
        with (disk / "kept").open("xb") as target:
            Received(source).into(target)  # type: ignore[arg-type]  # it is one in all that counts
        assert (disk / "kept").read_bytes() == content
