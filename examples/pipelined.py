"""Copy all mail into a folder, one file a message, as fast as the line allows.

    python examples/pipelined.py pop3s://alice@mail.example.org FOLDER

Reads the password from the standard input. Messages stay on the server. (To collect mail for
good, use ``pillarbox fetch``: it keeps a journal, and deletes only what is durable.)
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import pillarbox
from pillarbox.client.aio import Mailbox
from pillarbox.client.errors import ClientError, Refused
from pillarbox.client.retrieval import Retrieval
from pillarbox.client.tls import TlsSettings


async def copy_all(box: Mailbox, folder: Path) -> list[Path]:
    sizes = dict(await box.list())  # they bound what is under way; nothing depends on them
    files = []
    async for message in box.retrieve_many(sizes, sizes=sizes):
        try:
            files.append(await copy(message, folder / f"{message.number}.part"))
        except Refused as error:  # this message only; the others go on
            print(f"pipelined: message {message.number}: {error}", file=sys.stderr)
    await box.in_step()  # until then the last one could be half of something
    return [file.replace(file.with_suffix(".eml")) for file in files]


async def copy(message: Retrieval, file: Path) -> Path:
    with file.open("wb") as copied:
        async for piece in message:  # at no time more than a piece is in memory
            copied.write(piece)
    return file


async def collect(url: str, folder: Path, tls: TlsSettings) -> int:
    password = sys.stdin.readline().rstrip("\n")
    try:
        async with pillarbox.connect(url, password=password, tls=tls) as box:
            files = await copy_all(box, folder)
    except ClientError as error:
        print(f"pipelined: {error}", file=sys.stderr)
        return 1
    print(f"{len(files)} messages")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Copy all mail into a folder.")
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ca", type=Path, help="the authorities to trust, as a PEM file")
    options = parser.parse_args()
    return asyncio.run(collect(options.url, options.folder, TlsSettings(ca=options.ca)))


if __name__ == "__main__":
    sys.exit(main())
