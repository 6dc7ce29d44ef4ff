"""Which keys for SCRAM are kept of a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.app.config import load
from pillarbox.app.wire_up import open_accounts


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ((), {"sha256"}),
        (("auth.mechanisms=PLAIN,LOGIN",), {"sha256"}),
        (("auth.mechanisms=PLAIN", "auth.scram_keys=false"), set()),
        (("auth.mechanisms=PLAIN,SCRAM-SHA-1", "auth.scram_keys=false"), {"sha1"}),
        (("auth.mechanisms=PLAIN,SCRAM-SHA-1",), {"sha1", "sha256"}),
    ],
)
def test_keys_are_kept_for_what_is_offered_and_for_what_may_be(
    tmp_path: Path, settings: tuple[str, ...], kept: set[str]
) -> None:
    """After a move from another server: who offered SCRAM before its keys were there would
    refuse right passwords, and without keys being made meanwhile would never get them.
    """
    config = load(None, [f"store.path={tmp_path}", *settings], {})
    accounts = open_accounts(config, create=True)
    accounts.add("alice", "correct horse")
    assert accounts.scram.hashes_of("alice") == kept
    accounts.close()
