"""Where is the mail of an address? Asks the DNS and the provider, and prints POP URLs.

    python examples/discover.py alice@example.org
    python examples/discover.py alice@example.org --nameserver 127.0.0.1:5353 --no-web

The DNS needs the extra: pip install "pillarbox[discovery]"
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys

from pillarbox.client.discovery import Candidate, discover
from pillarbox.client.errors import ClientError
from pillarbox.client.srv import srv_records
from pillarbox.client.web import fetch_document


async def search(options: argparse.Namespace) -> list[Candidate]:
    """Each step of ``discover`` is a function that can be replaced, or left out with None."""
    resolver = functools.partial(srv_records, nameserver=options.nameserver)
    fetcher = None if options.no_web else fetch_document
    return await discover(options.address, resolver=resolver, fetcher=fetcher)


def line(candidate: Candidate) -> str:
    remarks = [f"({candidate.source})"]
    if candidate.oauth2:
        remarks.append("can do OAuth 2")
    if candidate.confirm:
        remarks.append("outside the domain: is this your provider?")
    return f"{candidate.endpoint}  {', '.join(remarks)}"


def nameserver(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> int:
    parser = argparse.ArgumentParser(description="Find the POP3 server of a mail address.")
    parser.add_argument("address")
    parser.add_argument("--nameserver", type=nameserver, metavar="ADDRESS:PORT")
    parser.add_argument("--no-web", action="store_true", help="ask the DNS only")
    try:
        candidates = asyncio.run(search(parser.parse_args()))
    except ClientError as error:
        print(f"discover: {error}", file=sys.stderr)
        return 2
    print(*map(line, candidates), sep="\n")
    return 0 if candidates else 1


if __name__ == "__main__":
    sys.exit(main())
