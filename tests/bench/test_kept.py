"""What is kept of several runs: a work is always of one run."""

from __future__ import annotations

from pathlib import Path

from bench.figures import Figure, Note
from bench.kept import Kept, Run, of_run, read
from bench.page import page


def run_of(date: str, *figures: Figure, notes: tuple[Note, ...] = ()) -> Kept:
    run = Run(date, f"python -m bench --on {date}", 3, [])
    return of_run(figures, notes, [("Pillarbox", date)], run)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    kept = run_of("monday", Figure("retr", "Courier", 2.0, "µs", 5.0, 0.1))
    kept.notes.append(Note("retr", "Cyrus", "slow", failed=True))
    kept.write(tmp_path / "kept.json")
    assert read(tmp_path / "kept.json") == kept
    assert read(tmp_path / "none.json") == Kept()


def test_a_later_run_replaces_the_works_that_it_did_and_no_others() -> None:
    before = run_of(
        "monday",
        Figure("retr", "Courier", 1.0, "µs"),
        Figure("session", "Courier", 2.0, "µs"),
        Figure("session", "Cyrus", 3.0, "µs"),
        notes=(Note("session", "Cyrus", "old"), Note("retr", "Cyrus", "stays")),
    )
    after = before.renewed_by(
        run_of(
            "tuesday",
            Figure("day", "Courier", 9.0, "ms"),
            Figure("session", "Courier", 4.0, "µs"),
            notes=(Note("session", "Cyrus", "new"),),
        )
    )
    assert [(f.work, f.peer, f.value) for f in after.figures] == [
        ("retr", "Courier", 1.0),
        ("session", "Courier", 4.0),  # and none of Cyrus, which did not take part
        ("day", "Courier", 9.0),
    ]
    assert [note.text for note in after.notes] == ["stays", "new"]
    assert [(run.date, run.works) for run in after.runs] == [
        ("monday", ["retr"]),
        ("tuesday", ["day", "session"]),
    ]
    assert after.servers == {"Pillarbox": "tuesday"}


def test_a_run_of_which_nothing_is_left_is_forgotten() -> None:
    figure = Figure("retr", "Courier", 1.0, "µs")
    assert [run.date for run in run_of("1", figure).renewed_by(run_of("2", figure)).runs] == ["2"]


def test_the_page_says_which_run_each_work_is_of() -> None:
    one = run_of("monday", Figure("retr", "Courier", 1.0, "µs"))
    assert "- monday, `python -m bench --on monday`, 3 rounds\n" in page(one, [])
    two = one.renewed_by(run_of("tuesday", Figure("day", "Courier", 1.0, "ms")))
    assert "- monday, `python -m bench --on monday`, 3 rounds: retr\n" in page(two, [])
    assert "- tuesday, `python -m bench --on tuesday`, 3 rounds: day\n" in page(two, [])
