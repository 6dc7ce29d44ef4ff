"""A writer that is killed: does one thing after another, and says when each is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.model import Draft, File
from tests.reader.compose.outboxes import HeldOutbox

State = list[tuple[str, str, tuple[tuple[str, bytes], ...]]]
"""Subject, text, and files of each draft."""
CLOCK = datetime(2026, 11, 3, tzinfo=UTC)


def opened(folder: Path) -> KeptDrafts:
    return open_drafts(folder, outbox=HeldOutbox(), tell=lambda _: None, clock=lambda: CLOCK)


def state_of(drafts: KeptDrafts) -> State:
    return sorted(
        (draft.subject, draft.text, tuple(_file(drafts, draft, file) for file in draft.files))
        for draft in drafts.all()
    )


def _file(drafts: KeptDrafts, draft: Draft, file: File) -> tuple[str, bytes]:
    return file.name, drafts.path(draft.id, file.id).read_bytes()


def steps(drafts: KeptDrafts) -> list[Callable[[], object]]:
    """All that can be done to drafts, in an order."""

    def one(subject: str) -> Draft:
        return next(draft for draft in drafts.all() if draft.subject == subject)

    return [
        lambda: drafts.save(drafts.new(Draft("", subject="a"))),
        lambda: drafts.save(replace(one("a"), text="typed")),
        lambda: drafts.attach(one("a").id, "f", "", [b"x" * 10, b"y" * 10]),
        lambda: drafts.save(replace(one("a"), text="typed more")),
        lambda: drafts.save(drafts.new(Draft("", subject="b", text="other"))),
        lambda: drafts.detach(one("a").id, one("a").files[0].id),
        lambda: drafts.discard(one("b").id),
        lambda: drafts.restore(next((drafts_folder(drafts) / "discarded").iterdir()).name),
        lambda: drafts.discard(one("a").id),
    ]


def drafts_folder(drafts: KeptDrafts) -> Path:
    return drafts._folder


def main(folder: Path) -> None:
    for step in steps(opened(folder)):
        step()
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
