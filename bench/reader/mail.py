"""A library of generated mail: threads, languages, HTML, attachments, sizes from a line to some 100 kB."""

from __future__ import annotations

import base64
import random
import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from pillarbox.reader.model import Folder

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
