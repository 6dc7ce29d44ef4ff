"""A header: its fields, as octets (RFC 5322, section 2.2)."""

from __future__ import annotations

from collections.abc import Container, Iterator

from pillarbox.reader.mail.limits import FIELDS, HEADER_OCTETS


class Header:
    """Fields by name. A line that is no field belongs to the one before it: nothing that was there is lost, and
    programs that fold without a space are understood.
    """

    __slots__ = ("_fields", "_names", "odd")

    def __init__(self, block: bytes) -> None:
        """*block*: with LF line ends, without the empty line; what is beyond the limits is not looked at."""
        self._fields: dict[bytes, list[bytes]] = {}
        self._names: list[bytes] = []
        self.odd = len(block) > HEADER_OCTETS
        """Something had to be left out, or put up with."""
        self._read(block[:HEADER_OCTETS].split(b"\n"))

    def _read(self, lines: list[bytes]) -> None:
        name, pieces, count = b"", [b""], 0
        for line in lines:
            if line[:1] in (b" ", b"\t"):
                pieces.append(line)
                continue
            before, colon, value = line.partition(b":")
            word = before.rstrip()
            if not colon or not word or b" " in word:
                self.odd = self.odd or bool(line)
                pieces.append(b" " + line)
                continue
            self._keep(name, pieces)
            count += 1
            if count > FIELDS:
                self.odd = True
                return
            name, pieces = word.lower(), [value]
        self._keep(name, pieces)

    def _keep(self, name: bytes, pieces: list[bytes]) -> None:
        if name:
            value = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._fields.setdefault(name, []).append(value.strip())
            self._names.append(name)

    def first(self, name: bytes) -> bytes:
        """The value of the first field of that name (in small letters), unfolded; empty: there is none."""
        values = self._fields.get(name)
        return values[0] if values else b""

    def in_order(self, names: Container[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Name and value of all fields of these *names*, from the top."""
        left = {name: iter(values) for name, values in self._fields.items() if name in names}
        return ((name, next(left[name])) for name in self._names if name in left)

    def all(self, name: bytes) -> list[bytes]:
        """The values of all of them."""
        return self._fields.get(name, [])

    def __contains__(self, name: bytes) -> bool:
        return name in self._fields
