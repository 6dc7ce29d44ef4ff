"""A damaged part of the store is told of once, and harms nobody whose mail lies elsewhere."""

from __future__ import annotations

from pathlib import Path

from tests.postoffice import PostOffice

MESSAGE = b"Subject: hello\r\n\r\nthere\r\n"


def test_damage_is_told_of_once(tmp_path: Path) -> None:
    """alice lies in shard 1, bob in shard 0."""
    office = PostOffice(tmp_path, users=["alice", "bob"])
    with office:
        office.deliver(MESSAGE, "alice", "bob")
        office.stop()
    index = office.store / "shard-01" / "index.db"
    index.write_bytes(b"not an index" * 1000)
    told = f"index {index} is damaged: file is not a database"
    removing = office.run("user", "remove", "alice", "--yes")
    assert removing.returncode == 1
    assert removing.stderr.count(told) == 1
    assert removing.stderr.startswith(f"pillarbox: {told}")
    unlocking = office.run("maildrop", "unlock", "bob")
    assert (unlocking.returncode, unlocking.stderr) == (0, "")
    with office:
        assert len(office.collect("bob")) == 1
        line = office.log.only("a part of the store is damaged")
        assert line["error"].startswith(told)
        assert line["level"] == "error"
        assert office.stop() == 0
