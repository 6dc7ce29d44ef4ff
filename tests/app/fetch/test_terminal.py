"""What a person at a terminal sees, and is asked."""

from __future__ import annotations

from tests.app.fetch.conftest import Box
from tests.app.fetch.terminal import Terminal
from tests.postoffice import PASSWORD


def at_terminal(box: Box, *options: str) -> Terminal:
    arguments = ("fetch", box.url, *options)
    return Terminal(*arguments, home=box.home, environment=box.environment)


def test_the_password_is_asked_for_as_the_last_resort(box: Box) -> None:
    box.deliver("one")
    with at_terminal(box, *box.without("--password-command")) as terminal:
        terminal.wait_for(f"Password for {box.user} at localhost: ")
        terminal.answer(PASSWORD)
        assert terminal.code() == 0
        assert PASSWORD not in terminal.shown
        assert "1 message collected" in terminal.shown
    assert box.stored == ["one"]


def test_who_gives_no_password_is_told_how_to_give_one(box: Box) -> None:
    """Ctrl-D at the prompt."""
    box.deliver("one")
    with at_terminal(box, *box.without("--password-command")) as terminal:
        terminal.wait_for(f"Password for {box.user} at localhost: ")
        terminal.type("\x04")
        assert terminal.code() == 2
        assert f"\r\npillarbox: {box.name}: there is no password" in terminal.shown
    assert box.stored == []


def test_a_person_hears_that_there_is_nothing(box: Box) -> None:
    with at_terminal(box, *box.usual) as terminal:
        assert terminal.code() == 0
        assert terminal.shown == f"{box.name}: nothing new\r\n"


def test_bars_show_what_comes(box: Box) -> None:
    box.deliver("one", "two")
    with at_terminal(box, *box.usual) as terminal:
        assert terminal.code() == 0
        assert "bytes" in terminal.shown
        assert "━" in terminal.shown
        assert "2 messages collected" in terminal.shown


def test_bars_can_be_turned_off(box: Box) -> None:
    box.deliver("one", "two")
    with at_terminal(box, *box.usual, "--progress=never") as terminal:
        assert terminal.code() == 0
        assert terminal.shown.count("\n") == 1


def test_bars_can_be_had_where_there_is_no_terminal(box: Box) -> None:
    box.deliver("one")
    done = box.fetch("--progress", "always")
    assert "━" in done.err
    assert "1 message collected" in done.out


def test_before_kept_mail_goes_it_is_shown_and_asked(box: Box) -> None:
    names = [f"letter {number}" for number in range(1, 10)]
    box.deliver(*names)
    assert box.fetch("--keep").code == 0
    with at_terminal(box, *box.usual) as terminal:
        terminal.wait_for("Delete them on the server? [y/N] ")
        for part in ("9 messages (", "message 1: ", "message 9: ", "… 3 more …", "unique-id "):
            assert part in terminal.shown
        assert "message 5: " not in terminal.shown
        terminal.answer("")
        assert terminal.code() == 1
    assert box.on_server == names
    with at_terminal(box, *box.usual) as terminal:
        terminal.wait_for("[y/N] ")
        terminal.answer("y")
        assert terminal.code() == 0
        assert "9 deleted on the server" in terminal.shown
    assert box.on_server == []
    assert len(box.stored) == 9


def test_nobody_is_asked_in_a_log(box: Box) -> None:
    """A prompt that nobody sees would hang a job for ever."""
    box.deliver("one")
    assert box.fetch("--keep").code == 0
    done = box.fetch()
    assert done.code == 1
    assert "[y/N]" not in done.err
