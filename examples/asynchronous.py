"""Look into several mailboxes at once, and say how much is in each.

    python examples/asynchronous.py pop3s://alice@mail.example.org pop3s://bob@example.net

Reads one password a line for each mailbox from the standard input. What goes wrong with one
does not keep the others.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import pillarbox
from pillarbox.client.errors import ClientError
from pillarbox.client.tls import TlsSettings


async def look(url: str, password: str, tls: TlsSettings) -> str:
    try:
        async with pillarbox.connect(url, password=password, tls=tls, timeout=30) as box:
            count, octets = await box.stat()
    except ClientError as error:  # a whole sentence, whatever it is
        return f"{url}: {error}"
    return f"{url}: {count} messages, {octets} octets"


async def look_at_all(urls: list[str], tls: TlsSettings) -> None:
    passwords = [line.rstrip("\n") for line in sys.stdin]
    looks = [look(url, password, tls) for url, password in zip(urls, passwords, strict=True)]
    for line in await asyncio.gather(*looks):
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description="Say how much is in mailboxes.")
    parser.add_argument("url", nargs="+")
    parser.add_argument("--ca", type=Path, help="the authorities to trust, as a PEM file")
    options = parser.parse_args()
    asyncio.run(look_at_all(options.url, TlsSettings(ca=options.ca)))


if __name__ == "__main__":
    main()
