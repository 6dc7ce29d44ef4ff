"""Whom one writes to, in a file of its own: ``contacts.json``."""

from __future__ import annotations

import json
import logging
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from threading import RLock

from pillarbox.durable import replace_file
from pillarbox.reader.compose.addresses import BadAddress, checked
from pillarbox.reader.compose.fields import one_line
from pillarbox.reader.compose.vcard import MAX_OCTETS, is_vcard, read_vcards
from pillarbox.reader.errors import (
    ChangedElsewhere,
    LibraryUnusable,
    NotSendable,
    TooLate,
    WrongFields,
)
from pillarbox.reader.lately import Lately
from pillarbox.reader.library.trouble import usable
from pillarbox.reader.model import Contact, mark_of

MAX_CONTACTS = 50_000
"""Kept in memory, and written as a whole: some 5 MB."""
_FORM = 1
_log = logging.getLogger(__name__)
_APART = str.maketrans(dict.fromkeys("-.'\"(@_+", " "))
"""What words end at: "smith" finds ``mary.smith@example.org``."""

Correspondents = Callable[[str, int], Sequence[Contact]]
"""See :meth:`pillarbox.reader.contracts.Library.correspondents`."""


class KeptContacts:
    """Implements :class:`pillarbox.reader.contracts.Contacts`. Made by :func:`open_contacts`."""

    def __init__(
        self,
        path: Path,
        contacts: Iterable[Contact],
        correspondents: Correspondents,
        problem: str = "",
    ) -> None:
        self._path, self._correspondents = path, correspondents
        self.problem = problem
        """Why the file cannot be read, and what to do: none of its contacts is here, and nothing is written to it."""
        self._contacts = {contact.id: contact for contact in contacts}
        self._removed: Lately[Contact] = Lately()
        self._lock = RLock()

    def all(self) -> list[Contact]:
        """By name, as people sort."""
        with self._lock:
            return sorted(self._contacts.values(), key=_place)

    def save(self, contact: Contact, *, seen: str = "") -> Contact:
        """See the contract.

        Raises:
            WrongFields: the address is none, or somebody has it already.
            ChangedElsewhere: it is another one by now, or gone.
        """
        try:
            address = checked(contact.address.strip())
        except BadAddress as error:
            raise WrongFields({"address": str(error)}) from error
        kept = replace(
            contact,
            name=one_line(contact.name),
            address=address,
            id=contact.id or secrets.token_hex(8),
        )
        with self._lock:
            there = self._contacts.get(kept.id)
            if contact.id and there is None:
                raise ChangedElsewhere("This contact has been removed elsewhere.")
            if there and seen and there != kept and mark_of(there) != seen:
                raise ChangedElsewhere("This contact has been changed elsewhere.")
            if other := self._with_address(address, but=kept.id):
                raise WrongFields(
                    {
                        "address": f"This address is in your contacts already: {other.name or address}."
                    }
                )
            self._write({**self._contacts, kept.id: kept})
        return kept

    def remove(self, contact_id: str, *, seen: str = "") -> None:
        """See the contract."""
        with self._lock:
            if there := self._contacts.get(contact_id):
                if seen and mark_of(there) != seen:
                    raise ChangedElsewhere("This contact has been changed elsewhere.")
                left = {key: one for key, one in self._contacts.items() if key != contact_id}
                self._write(left)
                self._removed.keep(contact_id, there)

    def removed(self, contact_id: str) -> Contact | None:
        """See the contract."""
        return self._removed.get(contact_id)

    def restore(self, contact_id: str) -> None:
        """See the contract.

        Raises:
            NotSendable: there is no room for it.
        """
        with self._lock:
            if contact_id in self._contacts:
                return
            contact = self._removed.get(contact_id)
            if contact is None:
                raise TooLate("This contact cannot be brought back any more. Enter it again.")
            if other := self._with_address(contact.address):
                raise TooLate(
                    f"This contact is not brought back: its address has been entered anew, as {other.name or other.address}."
                )
            self._write({**self._contacts, contact_id: contact})
            self._removed.forget(contact_id)

    def import_vcards(self, data: bytes) -> int:
        """See the contract."""
        if len(data) > MAX_OCTETS:
            raise NotSendable(
                f"This file is larger than {MAX_OCTETS // 1_000_000} MB. Export your contacts in several files."
            )
        if not is_vcard(data):
            raise NotSendable("This is no vCard file.")
        with self._lock:
            known = {one.address.casefold() for one in self._contacts.values()}
            new: dict[str, Contact] = {}
            for name, typed in read_vcards(data):
                try:
                    address = checked(typed)
                except BadAddress:
                    continue
                if address.casefold() not in known:
                    known.add(address.casefold())
                    contact = Contact(one_line(name), address, secrets.token_hex(8))
                    new[contact.id] = contact
            if new:
                self._write({**self._contacts, **new})
        return len(new)

    def complete(self, typed: str, count: int) -> list[Contact]:
        """See the contract."""
        words = _folded(typed).split()
        if not words:
            return []
        found = [one for one in self.all() if _fits(one, words)][:count]
        known = {one.address.casefold() for one in found}
        for one in self._correspondents(typed.strip(), count):
            if one.address.casefold() not in known:
                known.add(one.address.casefold())
                found.append(one)
        return found[:count]

    def _with_address(self, address: str, *, but: str = "") -> Contact | None:
        """Who has it, *but* for one."""
        folded = address.casefold()
        everyone = self._contacts.values()
        return next(
            (one for one in everyone if one.id != but and one.address.casefold() == folded), None
        )

    def _write(self, contacts: dict[str, Contact]) -> None:
        if self.problem:
            raise LibraryUnusable(self.problem)
        if len(contacts) > MAX_CONTACTS:
            raise NotSendable(f"There is room for {MAX_CONTACTS:,} contacts. Remove some first.")
        content = {"form": _FORM, "contacts": [asdict(one) for one in contacts.values()]}
        octets = json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "replace")
        with usable(self._path):
            replace_file(self._path, octets)
        self._contacts = contacts


def open_contacts(path: Path, *, correspondents: Correspondents) -> KeptContacts:
    """The contacts in the file *path*, which need not be there. If it is damaged, or cannot be read, there are none; it is
    never replaced by an empty one.
    """
    problem, contacts = "", []
    try:
        content = json.loads(path.read_bytes())
        if content["form"] == _FORM:
            contacts = [Contact(**one) for one in content["contacts"]]
        else:
            problem = f"{path} was written by a later version of Pillarbox"
    except FileNotFoundError:
        pass
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
    except (ValueError, TypeError, KeyError, RecursionError):
        problem = f"{path} is damaged"
    if problem:
        problem = (
            f"Your contacts are not here, and none can be entered: {problem}. End Pillarbox, put a copy from a backup "
            "in its place or move it away, and start again."
        )
        _log.warning(problem)
    return KeptContacts(path, contacts, correspondents, problem)


def _folded(text: str) -> str:
    """Without case and accents: who types "zur" finds Zürich."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if not unicodedata.combining(one))


def _fits(contact: Contact, words: Sequence[str]) -> bool:
    """Each of *words* begins a word of the name, or the address."""
    name, address = _folded(contact.name), _folded(contact.address)
    place = f" {name} {address} {name.translate(_APART)} {address.translate(_APART)}"
    return all(f" {word}" in place for word in words)


def _place(contact: Contact) -> tuple[str, str]:
    return (_folded(contact.name or contact.address), contact.address)
