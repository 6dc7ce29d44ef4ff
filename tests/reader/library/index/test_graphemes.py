"""Where a text can be cut."""

from __future__ import annotations

import pytest

from pillarbox.reader.library.index.graphemes import may_cut


@pytest.mark.parametrize(
    "characters",
    [
        ["a", "b", "c"],
        ["a\u0308", "b"],
        ["e\u0301\u0323", "e"],
        ["\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f467"],
        ["\U0001f44d\U0001f3fd", "\U0001f44d"],
        ["\U0001f1e9\U0001f1ea", "\U0001f1eb\U0001f1f7", "x"],
        ["x", "\U0001f1e9\U0001f1ea", "\U0001f1eb"],
        ["\u2764\ufe0f", "a"],
        ["\u0e01\u0e33", "\u0e44", "\u0e17"],
        ["\u1112\u1161\u11ab", "\u1100\u1173"],
        ["ש\u05c1\u05b8", "ל"],
        ["क\u093e", "म"],
        ["か\u3099", "く"],
        ["\uff76\uff9e", "\uff77"],  # narrow, and so is its accent
        ["\u3131\u314f", "\u3134"],  # as they were typed, one by one
        ["東", "京", "都"],
        ["\u06dd\u0661", "\u0662"],
        [
            "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
            "\U0001f3f4",
        ],
    ],
)
def test_a_text_is_cut_between_characters_only(characters: list[str]) -> None:
    text = "".join(characters)
    begins = {sum(map(len, characters[:count])) for count in range(len(characters) + 1)}
    assert {at for at in range(len(text) + 1) if may_cut(text, at)} == begins
