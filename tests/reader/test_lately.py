from __future__ import annotations

from pillarbox.reader.lately import MAX_REMOVED, Lately


def test_the_oldest_is_forgotten_first() -> None:
    removed = Lately[int]()
    for number in range(MAX_REMOVED):
        removed.keep(str(number), number)
    removed.keep("0", -1)
    removed.keep("more", -2)
    assert (removed.get("0"), removed.get("1"), removed.get("2")) == (-1, None, 2)
    removed.forget("1")
    removed.forget("2")
    assert removed.get("2") is None
