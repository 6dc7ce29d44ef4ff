"""Which characters of a text a folded one comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index import folding
from pillarbox.reader.library.index.placing import placed


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_texts_are_folded_as_the_index_folds_them(text: str) -> None:
    folded, places = placed(text)
    assert folded == folding.fold(text)
    assert len(places) == len(folded)
    assert list(places) == sorted(places)
    assert all(0 <= place < len(text) for place in places)


@pytest.mark.parametrize(
    ("text", "folded", "places"),
    [
        ("Straße", "strasse", [0, 1, 2, 3, 4, 4, 5]),
        ("Zürich", "zurich", [0, 1, 2, 3, 4, 5]),
        ("Zu\u0308ß x", "zuss x", [0, 1, 3, 3, 4, 5]),
        ("ŒA\u0301ﬁ", "œafi", [0, 1, 3, 3]),
        ("한국", "한국", [0, 1]),
        ("가\u1100\u1161나", "가가나", [0, 1, 3]),
    ],
)
def test_each_character_has_its_place(text: str, folded: str, places: list[int]) -> None:
    found, where = placed(text)
    assert (found, list(where)) == (folded, places)
