"""Links that begin a message (RFC 6068)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.model import Draft
from pillarbox.reader.web.features.writing.mailto import draft_of


@pytest.mark.parametrize(
    ("link", "draft"),
    [
        ("mailto:chris@example.com", Draft("", to="chris@example.com")),
        ("MAILTO:a@x.example?Subject=Hi", Draft("", to="a@x.example", subject="Hi")),
        (
            "mailto:list@example.com?body=send%20current-issue%0D%0Asend%20index",
            Draft("", to="list@example.com", text="send current-issue\nsend index"),
        ),
        (
            "mailto:joe@example.com?cc=bob@example.com&body=hello",
            Draft("", to="joe@example.com", cc="bob@example.com", text="hello"),
        ),
        ("mailto:?to=a@x.example&to=b@x.example", Draft("", to="a@x.example, b@x.example")),
        ("mailto:a%25b@x.example", Draft("", to="a%b@x.example")),
        ("mailto:a+b@x.example", Draft("", to="a+b@x.example")),
        ("mailto:a@x.example?subject=caf%C3%A9", Draft("", to="a@x.example", subject="café")),
        (
            "mailto:a@x.example?subject=a%0D%0ABcc:%20e@x",
            Draft("", to="a@x.example", subject="a Bcc: e@x"),
        ),
        ("mailto:a@x.example?attach=/etc/passwd&from=b@x", Draft("", to="a@x.example")),
        ("a@x.example", Draft("", to="a@x.example")),
        ("", Draft("")),
    ],
)
def test_what_a_link_begins_with(link: str, draft: Draft) -> None:
    assert draft_of(link) == draft


@given(st.text())
def test_no_link_fails(link: str) -> None:
    assert draft_of(f"mailto:{link}").files == ()
