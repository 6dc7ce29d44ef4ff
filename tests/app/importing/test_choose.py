from contextlib import closing
from pathlib import Path

import pytest

from pillarbox.app.importing.choose import open_source
from pillarbox.sources.found import SourceUnusable
from pillarbox.sources.maildir import Maildir
from pillarbox.sources.mbox import Mbox


def test_a_maildir(maildir: Path) -> None:
    with closing(open_source(str(maildir))) as source:
        assert isinstance(source, Maildir)


def test_an_mbox(tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(b"From \na: b\n\nx\n")
    with closing(open_source(str(tmp_path / "mbox"))) as source:
        assert isinstance(source, Mbox)
        assert len(list(source)) == 1


@pytest.mark.parametrize("url", ["pop3s://a@b", "POP3://a@b", "pop://a;AUTH=*@b"])
def test_a_pop3_url_is_for_fetch(url: str) -> None:
    with pytest.raises(SourceUnusable, match="pillarbox fetch URL --to lmtp:HOST:PORT"):
        open_source(url)


def test_a_password_in_such_a_url_is_not_told() -> None:
    with pytest.raises(SourceUnusable, match=r"alice:\*\*\*\*@b") as caught:
        open_source("pop3s://alice:secret@b")
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_no_maildir_hints_at_the_one_in_it(maildir: Path) -> None:
    with pytest.raises(SourceUnusable, match=f"did you mean {maildir}"):
        open_source(str(maildir.parent))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceUnusable, match="there is no such Maildir or mbox"):
        open_source(str(tmp_path / "none"))


def test_what_is_neither() -> None:
    with pytest.raises(SourceUnusable, match="neither a folder nor a regular file"):
        open_source("/dev/null")
