"""How quick the reader is with a mailbox of many messages: ``python -m bench.reader [--messages N]``.

A library of generated mail is made (threads, languages, HTML, attachments, sizes from a line to some 100 kB); then it is
indexed, and a process of its own measures what a page asks for. Times are wall clock, in ms unless they say so.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path

from pillarbox.reader.library.maildirs import Maildirs
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.library.tree import Tree
from pillarbox.reader.model import Folder, Progress

MESSAGES = 100_000
FOLDERS = {
    Folder("Inbox/work"): 55,
    Folder("Inbox/home"): 10,
    Folder("Archive"): 20,
    Folder("Sent"): 10,
    Folder("Projects/2026"): 4,
    Folder("Trash"): 1,
}
"""Of each, so many of a hundred."""
YEARS = 12
THREAD = 0.6
"""So many messages answer another one."""
VOCABULARY = 30_000
COMMON = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "you",
    "that",
    "it",
    "he",
    "was",
    "for",
    "on",
    "are",
    "as",
    "with",
    "his",
    "they",
    "at",
    "be",
    "this",
    "have",
    "from",
    "or",
    "one",
    "had",
    "by",
    "message",
    "please",
    "meeting",
    "project",
    "invoice",
    "report",
    "thanks",
    "regards",
    "office",
    "budget",
    "review",
    "plan",
    "draft",
    "attached",
]
PIECES = {
    "de": "Guten Tag, die Straße nach Zürich ist gesperrt. Bitte prüfen Sie die Rechnung; schöne Grüße.",
    "ja": "東京都に行く予定です。会議の資料を添付しますので、ご確認ください。よろしくお願いします。",
    "ru": "Добрый день, прошу проверить счёт и прислать отчёт до пятницы. Спасибо.",
    "ar": "مرحبا، يرجى مراجعة التقرير وإرسال الفاتورة قبل نهاية الأسبوع. شكرا لك.",
    "zh": "您好、请查收附件中的发票和会议纪要、谢谢。",
}
TYPED = (
    "m",
    "me",
    "mee",
    "meet",
    "meeting",
    "meeting b",
    "meeting budget rev",
    "the",
    "the mess",
    "t",
    "re",
    "inv",
    '"please review"',
    "from:ann",
    "from:person12",
    "to:person7 report",
    "subject:plan",
    "has:attachment",
    "has:attachment invoice",
    "is:unread",
    "is:unread the",
    "is:flagged",
    "before:2018-01-01 the",
    "newer:30d the",
    "larger:50k",
    "in:projects the",
    "in:sent from:nobody",
    "-the",
    "the -of",
    "strasse",
    "京都",
    "請",
    "отчёт",
    "filename:report",
    "xyzzy",
    "word29999",
)
REPEATED = 5


def library(root: Path, messages: int, seed: int = 1) -> None:
    """Write the mail."""
    chance = random.Random(seed)
    words = [*COMMON, *(f"word{number}" for number in range(VOCABULARY))]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    people = [f"Person{number} <person{number}@example{number % 40}.org>" for number in range(800)]
    people += ["Ann Lee <ann@example.org>"] * 20
    for folder in FOLDERS:
        for part in ("tmp", "new", "cur"):
            (root / folder / part).mkdir(parents=True)
    end = time.time()
    span = YEARS * 365 * 86_400
    recent: list[tuple[str, str, str]] = []
    for number in range(messages):
        when = end - span + span * number / messages
        folder = chance.choices(list(FOLDERS), list(FOLDERS.values()))[0]
        name = f"{int(when)}.M{number}P1Q{number}.bench"
        flags = "" if chance.random() < 0.05 else "S"
        flags = ("F" if chance.random() < 0.01 else "") + flags
        text = _message(chance, number, when, recent, people, words, weights)
        (root / folder / "cur" / f"{name}:2,{flags}").write_bytes(text)


def _message(
    chance: random.Random,
    number: int,
    when: float,
    recent: list[tuple[str, str, str]],
    people: list[str],
    words: list[str],
    weights: list[float],
) -> bytes:
    own = f"<{number}.{chance.getrandbits(40):x}@example.org>"
    header = [
        f"From: {chance.choice(people)}",
        f"To: {', '.join(chance.sample(people, chance.choice((1, 1, 1, 2, 5))))}",
        f"Date: {format_datetime(datetime.fromtimestamp(when, UTC))}",
        f"Message-ID: {own}",
        "Received: from mx.example.org by mail.example.org with ESMTPS; Thu, 1 Jan 2026 00:00:00 +0000",
    ]
    if recent and chance.random() < THREAD:
        subject, parent, references = chance.choice(recent[-40:])
        references = " ".join(f"{references} {parent}".split()[-20:])
        header += [f"In-Reply-To: {parent}", f"References: {references}"]
        header.append(f"Subject: Re: {subject}")
    else:
        subject = " ".join(chance.choices(words, weights, k=chance.randint(2, 7)))
        references = ""
        header.append(f"Subject: {subject}")
    recent.append((subject, own, references))
    del recent[:-60]
    length = min(4000, int(chance.lognormvariate(4.5, 1.0)) + 5)
    body = " ".join(chance.choices(words, weights, k=length))
    if chance.random() < 0.15:
        body += "\n\n" + " ".join([chance.choice(list(PIECES.values()))] * chance.randint(1, 5))
    lines = re.sub(r"(.{60,75}) ", r"\1\n", body)
    plain = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{lines}\n"
    kind = chance.random()
    if kind < 0.55:
        return ("\n".join(["MIME-Version: 1.0", *header]) + "\n" + plain).encode()
    parts = [plain]
    multipart = "mixed"
    if kind < 0.85:
        multipart = "alternative"
        paragraphs = "".join(f"<p style='margin:0'>{line}</p>\n" for line in lines.splitlines())
        parts.append(
            "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
            f"<html><body>{paragraphs}</body></html>\n"
        )
    else:
        data = base64.encodebytes(chance.randbytes(int(chance.lognormvariate(9, 1.2)))).decode()
        file = chance.choice(("report.pdf", "photo.jpg", "invoice 2026.pdf", "notes.txt"))
        parts.append(
            f'Content-Type: application/octet-stream; name="{file}"\n'
            f'Content-Disposition: attachment; filename="{file}"\n'
            f"Content-Transfer-Encoding: base64\n\n{data}"
        )
    inner = "".join(f"--=_b\n{part}\n" for part in parts)
    mime = f'MIME-Version: 1.0\nContent-Type: multipart/{multipart}; boundary="=_b"\n\n'
    return ("\n".join(header) + "\n" + mime + inner + "--=_b--\n").encode()


def measure(root: Path) -> Iterator[tuple[str, str]]:
    """What a page asks for, in this process."""
    began = time.perf_counter()
    index, survey, close = open_index(root, Maildirs(Tree(root / "mail")))
    inbox = [Folder("Inbox/work")]
    everywhere = [Folder("Inbox/work"), Folder("Inbox/home")]
    index.page(everywhere, 0, 50)
    index.counts()
    yield "open, first list and counts", f"{_ms(began):.1f}"
    total = index.page(inbox, 0, 1).total
    for first in (0, total // 2, total - 50):
        yield (
            f"page of {total:,} threads at {first:,}",
            _times(partial(index.page, inbox, first, 50)),
        )
    found = index.page(everywhere, 0, 50)
    yield (
        f"page of all inboxes ({found.total:,} threads)",
        _times(lambda: index.page(everywhere, 0, 50)),
    )
    yield "a thread", _times(lambda: index.thread(found.rows[7].key))
    yield "an address completed", _times(lambda: index.correspondents("per", 10))
    every: list[float] = []
    cpu: list[float] = []
    for typed in TYPED:
        search = partial(index.search, typed, 0, 50, within=())
        took = [_took(search) for _ in range(REPEATED)]
        every += took
        cpu.append(_processor(search))
        hits = search()
        yield (
            f"search {typed}",
            f"{statistics.median(took):.1f} (worst {max(took):.1f}, processor {cpu[-1]:.1f}), {hits.total}{'+' if hits.more else ''} hits",
        )
    yield (
        "all searches: median, 95 %, worst",
        (
            f"{statistics.median(every):.1f}, {statistics.quantiles(every, n=20)[-1]:.1f}, {max(every):.1f}"
        ),
    )
    yield (
        "of these, processor time: median, 95 %, worst",
        f"{statistics.median(cpu):.1f}, {statistics.quantiles(cpu, n=20)[-1]:.1f}, {max(cpu):.1f}",
    )
    yield "look when nothing has changed", _times(lambda: survey.look(list(FOLDERS)))
    yield "memory (PSS), MB", f"{_pss() / 1e6:.0f}"
    key = found.rows[0].key
    entry = index.entry(key)
    assert entry is not None
    yield "mark one message", _times(lambda: index.place([(key, entry)]))
    os.utime(root / "mail" / "Inbox/work" / "cur")
    yield "look when the largest folder has", f"{_took(lambda: survey.look(list(FOLDERS))):.0f}"
    yield "memory after that", f"{_pss() / 1e6:.0f}"
    close()


def _took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return _ms(began)


def _processor(call: Callable[[], object]) -> float:
    """What it takes when nobody else wants the processor: the least of a few."""
    found = []
    for _ in range(REPEATED):
        began = time.process_time()
        call()
        found.append((time.process_time() - began) * 1000)
    return min(found)


def _times(call: Callable[[], object]) -> str:
    took = [_took(call) for _ in range(20)]
    return f"{statistics.median(took):.1f} (worst {max(took):.1f})"


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _pss() -> int:
    text = Path("/proc/self/smaps_rollup").read_text()
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def run(root: Path, messages: int) -> None:
    mail = root / "mail"
    if not mail.exists():
        began = time.perf_counter()
        library(mail, messages)
        print(f"{messages:,} messages written: {_ms(began) / 1000:.0f} s", flush=True)
    index, survey, close = open_index(root, Maildirs(Tree(mail)))
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    shown = 0.0

    def report(progress: Progress) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.perf_counter() - shown > 1:
            shown = time.perf_counter()
            print(f"\r{progress.done:,} of {progress.total:,}", end="", file=sys.stderr)

    survey.reindex(report)
    took = _ms(began) / 1000
    print(f"reindex: {took:.1f} s, of processors {sum(os.times()[:4]) - cpu:.1f} s", flush=True)
    close()
    print(f"index.db: {index.path.stat().st_size / 1e6:.0f} MB", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "bench.reader", "--measure", root],
        check=True,
        stdout=subprocess.PIPE,
    )
    for what, how_much in json.loads(done.stdout):
        print(f"{what}: {how_much}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument(
        "--folder", type=Path, help="keep the library there, or use the one there is"
    )
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(list(measure(asked.measure))))
    elif asked.folder:
        asked.folder.mkdir(exist_ok=True, parents=True)
        run(asked.folder, asked.messages)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), asked.messages)


if __name__ == "__main__":
    main()
