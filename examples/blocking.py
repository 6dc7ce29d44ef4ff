"""Print what is in a mailbox: number, size, unique-id and subject of each message.

    python examples/blocking.py pop3s://alice@mail.example.org

Asks for the password. Nothing is deleted, and only headers are read.
"""

from __future__ import annotations

import argparse
import email
import getpass
import sys
from pathlib import Path

import pillarbox
from pillarbox.client.errors import ClientError
from pillarbox.client.tls import TlsSettings


def show(url: str, password: str, tls: TlsSettings) -> None:
    with pillarbox.sync.connect(url, password=password, tls=tls) as box:
        unique_ids = dict(box.uidl())
        for number, octets in box.list():
            header = email.message_from_bytes(box.top(number))
            print(number, octets, unique_ids[number], header["subject"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Print what is in a mailbox.")
    parser.add_argument("url")
    parser.add_argument("--ca", type=Path, help="the authorities to trust, as a PEM file")
    options = parser.parse_args()
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        show(options.url, password, TlsSettings(ca=options.ca))
    except ClientError as error:
        print(f"blocking: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
