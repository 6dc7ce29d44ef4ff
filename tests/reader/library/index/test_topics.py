"""What subjects are about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.library.index.topics import topic_of


@pytest.mark.parametrize(
    ("subject", "about", "is_reply"),
    [
        ("Plans", "plans", False),
        ("Re: Plans", "plans", True),
        ("RE : Plans", "plans", True),
        ("AW: Plans", "plans", True),
        ("Antw: Plans", "plans", True),
        ("SV: Plans", "plans", True),
        ("VS: Plans", "plans", True),
        ("Odp: Plans", "plans", True),
        ("Réf : Plans", "plans", True),
        ("RIF: Plans", "plans", True),
        ("Ynt: Plans", "plans", True),
        ("Re[2]: Plans", "plans", True),
        ("Re^3: Plans", "plans", True),
        ("AW (4): Plans", "plans", True),
        ("Re: AW: Re: Plans", "plans", True),
        ("回复\uff1a计划", "计划", True),
        ("Re\uff1a计划", "计划", True),
        ("答复: 计划", "计划", True),
        ("Ответ: план", "план", True),
        ("ΑΠ: σχέδιο", "σχεδιο", True),
        ("השב: תוכנית", "תוכנית", True),
        ("رد: خطة", "خطة", True),
        ("Fwd: Plans", "plans", False),
        ("WG: Plans", "plans", False),
        ("Fwd: Re: Plans", "plans", False),
        ("Re: Fwd: Plans", "plans", True),
        ("[list] Re: Plans", "plans", True),
        ("Re: [list] Plans", "plans", True),
        ("Re:", "", True),
        ("", "", False),
        ("Recipe: soup", "recipe: soup", False),
        ("Rent: due", "rent: due", False),
        ("  Re:   big \t plans ", "big plans", True),
    ],
)
def test_topics(subject: str, about: str, is_reply: bool) -> None:
    assert topic_of(subject) == (about, is_reply)


def test_a_subject_of_prefixes_alone_ends() -> None:
    assert topic_of("Re: " * 10_000).is_reply


@given(st.text(max_size=50))
def test_an_answer_is_about_the_same(subject: str) -> None:
    once = topic_of(f"Re: {subject}")
    assert once.is_reply
    assert topic_of(f"AW: Re: {subject}") == once
