"""What people type and paste into To, Cc and Bcc."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.compose.addresses import (
    MAX_RECIPIENTS,
    BadAddress,
    Recipient,
    as_typed,
    checked,
)
from pillarbox.reader.compose.recipients import recipients_in

ADA = Recipient("Ada Lovelace", "ada@example.org")
BOB = Recipient("", "bob@example.org")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", []),
        (" , ;\n", []),
        ("bob@example.org", [BOB]),
        ("<bob@example.org>", [BOB]),
        ("mailto:bob@example.org", [BOB]),
        ("Ada Lovelace <ada@example.org>, bob@example.org", [ADA, BOB]),
        ("Ada Lovelace <ada@example.org>; bob@example.org;", [ADA, BOB]),
        ("Ada Lovelace <ada@example.org>\r\nbob@example.org\n", [ADA, BOB]),
        ("Ada Lovelace ada@example.org", [ADA]),
        ("ada@example.org (Ada Lovelace)", [ADA]),
        ("a@b.example c@d.example", [Recipient("", "a@b.example"), Recipient("", "c@d.example")]),
        ('"Lovelace, Ada" <ada@example.org>', [Recipient("Lovelace, Ada", "ada@example.org")]),
        ('"Ada \\"the\\" L" <ada@example.org>', [Recipient('Ada "the" L', "ada@example.org")]),
        ("Friends: bob@example.org, Ada Lovelace <ada@example.org>;", [BOB, ADA]),
        ("undisclosed-recipients:;", []),
        ("bob@example.org, BOB@EXAMPLE.org", [BOB]),
        ("bob@EXAMPLE.ORG.", [BOB]),
        ("Jörg <j@bücher.example>", [Recipient("Jörg", "j@xn--bcher-kva.example")]),
        ("jörg@example.org", [Recipient("", "jörg@example.org")]),
        ("x@straße.example", [Recipient("", "x@xn--strae-oqa.example")]),  # not strasse.example
        ('"a b"@example.org', [Recipient("", '"a b"@example.org')]),
        ("root@[192.0.2.1]", [Recipient("", "root@[192.0.2.1]")]),
        (
            "Ada (work, mostly) <ada@example.org>",
            [Recipient("Ada (work, mostly)", "ada@example.org")],
        ),
    ],
)
def test_what_is_understood(typed: str, found: list[Recipient]) -> None:
    assert recipients_in(typed) == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("bob", "“bob” is no address: there is no @"),
        ("Lovelace, Ada <ada@example.org>", "“Lovelace” is no address"),
        ("@example.org", "in front of the @"),
        ("bob@", "behind the @"),
        ("a..b@example.org", "“a..b” cannot stand"),
        (".a@example.org", "cannot stand"),
        ("b ob@example.org@x", "cannot stand"),
        ("bob@exa mple.org", "is no address"),
        ("bob@-x.example", "no domain “-x.example”"),
        ("bob@example..org", "no domain"),
        ("bob@☃☃\ufffd.example", "no domain"),
        ("Bob <bob@example.org", "angle bracket"),
        ('"Bob <bob@example.org>', "quotation mark is not closed"),
        (f"{'a' * 65}@example.org", "more than 64"),
        (f"a@{'b' * 64}.example", "no domain"),
        ("x" * 300_000, "too long"),
        (",".join(f"u{n}@x.example" for n in range(MAX_RECIPIENTS + 1)), "2,001 addresses"),
    ],
)
def test_what_is_wrong_is_said_by_name(typed: str, said: str) -> None:
    with pytest.raises(BadAddress) as caught:
        recipients_in(typed)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


names = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30).map(
    str.strip
)
locals_ = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[a-zü]{1,8}){0,2}", fullmatch=True)
recipients = st.builds(Recipient, names, locals_.map(lambda local: f"{local}@example.org"))


@given(st.lists(recipients, max_size=6, unique_by=lambda one: one.key))
def test_what_a_field_shows_is_understood_as_the_same(given_: list[Recipient]) -> None:
    assert recipients_in(as_typed(given_)) == given_


@given(st.text(st.one_of(st.characters(), st.sampled_from('<>@,;:"()\\ \n')), max_size=60))
def test_whatever_is_typed_is_understood_or_refused(typed: str) -> None:
    try:
        found = recipients_in(typed)
    except BadAddress:
        return
    for one in found:
        assert checked(one.address) == one.address
        assert not set("\r\n\0") & set(one.name + one.address)
