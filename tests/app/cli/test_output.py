import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.cli.output import show_columns
from pillarbox.app.texts import counted, printable


@given(st.text(st.characters()))
def test_nothing_printable_bites_a_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_what_is_printable_stays_as_it_is() -> None:
    assert printable("Grüße, 世界 ~") == "Grüße, 世界 ~"
    assert printable("a\x1b[31m\n\udcff") == r"a\x1b[31m\n\udcff"


def test_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    show_columns(("N", "NAME"), [(1, "a"), (100, "b")])
    assert capsys.readouterr().out == "  N  NAME\n  1  a\n100  b\n"


def test_counted() -> None:
    assert [counted(n, "message") for n in (0, 1, 2)] == ["0 messages", "1 message", "2 messages"]
