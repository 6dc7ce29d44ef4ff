"""``[reader]``: where ``pillarbox read`` keeps mail, and where its page is."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from pillarbox.app.config.addresses import Address, TcpAddress


class Reader(Struct, frozen=True, kw_only=True):
    """All settings of the section. Those that the user changes on the page are not here."""

    library: Path | None = None
    """The folder of mail, index, drafts and outbox; not given: in the platform's folder for users' data."""
    listen: Address = TcpAddress("127.0.0.1", 0)
    """Where the page is. Port 0: the same as the last time, if it is free."""
    names: tuple[str, ...] = ()
    """By which the page is called in a browser, beside those in the certificate: ``mail.example.org``."""
    certificate: Path | None = None
    """PEM file: the certificate, then its chain. Demanded beyond loopback."""
    key: Path | None = None
    """PEM file: the private key; not given: it is in the certificate's file."""
    password_command: str | None = None
    """Prints the password of the page; not given: it is asked for once, and kept as a hash. On loopback there is
    no password, and none may be given."""


SECTIONS: dict[str, type[Struct]] = {"reader": Reader}
