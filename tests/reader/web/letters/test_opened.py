"""What of a message is on the page at once."""

from __future__ import annotations

from pillarbox.reader.mail.letter import read_letter
from pillarbox.reader.web.features.letters.opened import enclosed_in


def test_attached_messages_are_together_no_longer_than_one_may_be() -> None:
    """Twenty of them would keep all pages waiting for a minute."""
    boundary = b"Content-Type: multipart/mixed; boundary=x\n\n"
    inner = b"--x\nContent-Type: message/rfc822\n\nSubject: long\n\n" + b"a\n" * 9_000
    letter = read_letter(boundary + inner * 20 + b"--x--\n")
    data = boundary + inner * 20 + b"--x--\n"
    assert len(letter.parts) == 20, "all of them can be saved"
    assert len(list(enclosed_in(letter, data))) == 2
