"""Lists of people, pasted from anywhere: all of them get the message, or it is said that it cannot be told who is meant."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.reader.compose.addresses import BadAddress, Recipient
from pillarbox.reader.compose.recipients import MAX_TYPED, recipients_in

BOB = Recipient("Bob", "bob@demo.example")
ALICE = Recipient("Alice Example", "alice@demo.example")
CAROL = Recipient("Carol", "carol@demo.example")
ALL = [BOB, ALICE, CAROL]
BARE = [one._replace(name="") for one in ALL]
B, A = BARE[0], BARE[1]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        # rows of a spreadsheet or a chat, after the browser has put a space for each end of a line
        (
            "Bob <bob@demo.example> Alice Example <alice@demo.example> Carol <carol@demo.example>",
            ALL,
        ),
        ("Bob\tbob@demo.example\nAlice Example\talice@demo.example", [BOB, ALICE]),
        ("Bob\tbob@demo.example Alice Example\talice@demo.example", [BOB, ALICE]),
        ("Bob bob@demo.example Alice Example alice@demo.example", [BOB, ALICE]),
        ("bob@demo.example and alice@demo.example", [B, A]),
        ("bob@demo.example / alice@demo.example", [B, A]),
        ("Bob <bob@demo.example> Alice Example <alice@demo.example>", [BOB, ALICE]),
        # and what is like them
        ("Bob <bob@demo.example>Alice Example <alice@demo.example>", [BOB, ALICE]),
        ("Bob <bob@demo.example> and Alice Example <alice@demo.example>", [BOB, ALICE]),
        ("Bob <bob@demo.example> & Alice Example alice@demo.example", [BOB, ALICE]),
        ("<bob@demo.example><alice@demo.example>", [B, A]),
        ("Bob <bob@demo.example> alice@demo.example", [BOB, A]),
        ("bob@demo.example, and alice@demo.example", [B, A]),
        ("bob@demo.example und alice@demo.example | carol@demo.example", BARE),
        ("\u2022 bob@demo.example \u2022 alice@demo.example", [B, A]),
        ("To: bob@demo.example Cc: alice@demo.example", [B, A]),
        ("To: Bob <bob@demo.example> Cc: Alice Example <alice@demo.example>", [BOB, ALICE]),
        ("mailto:bob@demo.example mailto:alice@demo.example", [B, A]),
        ("Bob <mailto:bob@demo.example>", [BOB]),
        ("bob@demo.example\u3001alice@demo.example\uff1bcarol@demo.example", BARE),
        ("bob@demo.example\u060c alice@demo.example", [B, A]),
        (
            "bob@demo.example (Bob) alice@demo.example (Alice Example)",
            [BOB, ALICE],
        ),
        (
            '5" <bob@demo.example>, 6" <alice@demo.example>',
            [B._replace(name='5"'), A._replace(name='6"')],
        ),
        ('"Bob" bob@demo.example "Alice Example" alice@demo.example', [BOB, ALICE]),
        ('"a b"@demo.example bob@demo.example', [Recipient("", '"a b"@demo.example'), B]),
        (
            "j@b\xfccher.example J <j@stra\xdfe.example>".replace(" J", ", J"),
            [
                Recipient("", "j@xn--bcher-kva.example"),
                Recipient("J", "j@xn--strae-oqa.example"),
            ],
        ),
        # one, and no more: RFC 5322, sections 3.4 and 4.4, and what people have as a name
        (
            "alice@demo.example <alice@demo.example>",
            [A._replace(name="alice@demo.example")],
        ),
        (
            "Alice Example alice@demo.example <Alice@Demo.example>",
            [Recipient("Alice Example alice@demo.example", "Alice@demo.example")],
        ),
        (
            "'alice@demo.example' <alice@demo.example>",
            [A._replace(name="'alice@demo.example'")],
        ),
        (
            "j@b\xfccher.example <j@xn--bcher-kva.example>",
            [Recipient("j@b\xfccher.example", "j@xn--bcher-kva.example")],
        ),
        (
            '"bob@demo.example, by a list" <alice@demo.example>',
            [A._replace(name="bob@demo.example, by a list")],
        ),
        (
            '"Bob <bob@demo.example>" <alice@demo.example>',
            [A._replace(name="Bob <bob@demo.example>")],
        ),
        ("Bob @ Demo <bob@demo.example>", [BOB._replace(name="Bob @ Demo")]),
        ("Bob (@bob.b) <bob@demo.example>", [BOB._replace(name="Bob (@bob.b)")]),
        ("Bob <the elder> <bob@demo.example>", [BOB._replace(name="Bob <the elder>")]),
        ("Bob <bob@demo.example> (at work)", [BOB]),
        ("Bob bob@demo.example (at work)", [BOB]),
        ("bob@demo.example (Bob)", [BOB]),
        ("bob@demo.example(Bob)", [BOB]),
        (
            "A (nice (old)) group: Bob <bob@demo.example>, alice@demo.example;, Carol <carol@demo.example>",
            [BOB, A, CAROL],
        ),
        ("and <bob@demo.example>", [B._replace(name="and")]),
        (
            "Andrea <bob@demo.example> Anders <alice@demo.example>".replace("Anders", "Android"),
            [B._replace(name="Andrea"), A._replace(name="Android")],
        ),
        ("a/b@demo.example", [Recipient("", "a/b@demo.example")]),
    ],
)
def test_a_pasted_list_is_all_who_are_in_it(typed: str, found: list[Recipient]) -> None:
    assert recipients_in(typed) == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "bob@demo.example Alice <alice@demo.example>",
            "There are two addresses in “bob@demo.example Alice <alice@demo.example>”: put a comma between them",
        ),
        ("bob@demo.example <alice@demo.example>", "two addresses"),
        ("bob@demo.example via Alice <alice@demo.example>", "two addresses"),
        ("Bob (bob@demo.example) <alice@demo.example>", "two addresses"),
        ("Bob (bob@demo.example) alice@demo.example", "two addresses"),
        ("alice@demo.example (not bob@demo.example)", "two addresses"),
        ("Alice <alice@demo.example> (bob@demo.example)", "two addresses"),
        ("bob@demo.exampleAlice <alice@demo.example>", "two addresses"),
        ("Bob [mailto:bob@demo.example] Alice <alice@demo.example>", "two addresses"),
        ("bob\uff20demo.example <alice@demo.example>", "two addresses"),
        ("bob @ demo.example <alice@demo.example>", "two addresses"),
        ("bob(b)@demo.example <alice@demo.example>", "two addresses"),
        ('Size 5 " <bob@demo.example>, 6 " <alice@demo.example>', "two addresses"),
        ("Bob <bob@demo.example Alice <alice@demo.example>", "two addresses"),
        ("Bob bob@demo.example> Alice <alice@demo.example>", "two addresses"),
        ("Bob <bob@demo.example alice@demo.example", "angle bracket is missing"),
        ("Bob <bob@demo.example> Alice", "“Alice” is no address: there is no @"),
        ("bob@demo.example Bob alice@demo.example Alice", "“Alice” is no address"),
        ("bob@demo.example/alice@demo.example", "cannot stand in front of the @"),
        ("Bob <bob@demo.example>/alice@demo.example", "two addresses"),
        ('"b b"@demo.example <alice@demo.example>', "two addresses"),
        ("bob@demo.example and", "“and” is no address"),
        ("Bob (bob@demo.example)", "is no address"),
        ("Bob\nAlice\talice@demo.example", "“Bob” is no address"),
    ],
)
def test_who_is_meant_is_asked_where_it_cannot_be_told(typed: str, said: str) -> None:
    with pytest.raises(BadAddress) as caught:
        recipients_in(typed)
    assert said in str(caught.value)


_names = st.one_of(
    st.just(""),
    st.sampled_from(
        ["Bob", "Alice Example", "O'Neil, Pat", 'Ada "the" L', "jörg@demo.example", "山田 太郎"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12).map(str.strip),
)
_locals = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,8}(\.[a-zü]{1,4})?", fullmatch=True)
_domains = st.sampled_from(["demo.example", "xn--r8jz45g.jp", "[192.0.2.1]"])
_people = st.builds(
    lambda name, local, domain: Recipient(name, f"{local}@{domain}"), _names, _locals, _domains
)
_SHAPES = ("{0}", "<{1}>", "{1}", "mailto:{1}", "{1} (at work)")
_UNQUOTED_SHAPES = (
    "{2} {1}",
    "{2} <{1}>",
    "{2}\t{1}",
    "{1} {2}",
    "{1} ({2})",
    "{2} ({1})",
    "{1} <{1}>",
)


def _shapes(one: Recipient) -> st.SearchStrategy[tuple[Recipient, str]]:
    """*one* as people write it; a name with an @ or a quotation mark only as the reader does."""
    shapes = _SHAPES if set('@\ufe6b\uff20"') & set(one.name) else _SHAPES + _UNQUOTED_SHAPES
    return st.tuples(
        st.just(one),
        st.sampled_from([shape.format(one, one.address, one.name) for shape in shapes]),
    )


_written = _people.flatmap(_shapes)
_SEPARATORS = (
    *(
        ",",
        ", ",
        ";",
        "; ",
        "\n",
        "\r\n",
        ",\n",
        " ",
        "  ",
        "\t",
        " and ",
        " und ",
        " or ",
        " & ",
        " / ",
        " + ",
        " - ",
    ),
    *(" | ", "\u3001", "\uff1b", "\u060c ", " \u2022 ", ">", "<", "(", ")", " @ ", ": "),
)


@given(st.lists(st.tuples(_written, st.sampled_from(_SEPARATORS)), min_size=1, max_size=5))
@example([((BOB, str(BOB)), " "), ((ALICE, str(ALICE)), " "), ((CAROL, str(CAROL)), "")])
@example([((B, str(B)), " and "), ((A, str(A)), "")])
def test_nobody_of_a_list_is_left_out_in_silence(
    listed: list[tuple[tuple[Recipient, str], str]],
) -> None:
    typed = "".join(written + separator for (_, written), separator in listed)
    try:
        found = recipients_in(typed)
    except BadAddress:
        return
    assert {one.key for one in found} == {one.key for (one, _), _ in listed}


@given(
    st.lists(_people, min_size=1, max_size=5, unique_by=lambda one: one.key),
    st.sampled_from([",", ", ", ";", " ; ", "\n", "\r\n", ",\r\n ", "\u3001", "\uff0c"]),
)
def test_people_between_separators_come_back_as_they_are(
    people: list[Recipient], separator: str
) -> None:
    assert recipients_in(separator.join(map(str, people))) == people


@given(
    st.lists(
        _people.filter(lambda one: one.name), min_size=1, max_size=5, unique_by=lambda one: one.key
    ),
    st.sampled_from([" ", "", "\t", "/", " / ", " & ", "|"]),
)
def test_people_in_brackets_need_nothing_between(people: list[Recipient], separator: str) -> None:
    found = recipients_in(separator.join(map(str, people)))
    assert [one.address for one in found] == [one.address for one in people]


@pytest.mark.parametrize("blanks", [" ", "\t", " \u00a0"])
def test_a_field_of_blanks_is_read_in_one_pass(blanks: str) -> None:
    """A pattern that begins anew at each of them is at it for minutes, and all pages stand still."""
    many = blanks * (MAX_TYPED // len(blanks) // 3)
    assert recipients_in(f"{B}{many}{A}") == [B, A]
    with pytest.raises(BadAddress):
        recipients_in(f"{B}{many}{many}nobody")
