"""What the user wants done with mail that comes in: kept in a file, and tried in order.

A rule fits a message when each of its conditions does; a condition that is empty always does. Words are found
anywhere in what they are looked for in, whatever the case of their letters.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.reader.errors import ChangedElsewhere, LibraryUnusable, TooLate
from pillarbox.reader.lately import Lately
from pillarbox.reader.library import kept
from pillarbox.reader.library.names import folded
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import Correspondent, Folder, Rule, mark_of

_TEXTS = ("id", "sender", "to", "subject", "list_id")
_SWITCHES = ("mark_seen", "flag")
_ID_OCTETS = 8


def fits(rule: Rule, summary: Summary, account: str | None = None) -> bool:
    """Whether *rule* is about the message. *account* None: whichever it came to."""
    return (
        (account is None or not rule.accounts or account in rule.accounts)
        and _among(rule.sender, _shown([summary.sender]))
        and _among(rule.to, _shown(summary.to))
        and _among(rule.subject, [summary.subject])
        and _among(rule.list_id, [summary.list_id])
    )


class _Removed(NamedTuple):
    rule: Rule
    before: frozenset[str]
    """The ids of those that were tried after it, also of those that had been removed before."""

    def place(self, rules: Sequence[Rule]) -> int:
        """Where among *rules* it belongs."""
        places = (place for place, rule in enumerate(rules) if rule.id in self.before)
        return next(places, len(rules))


class RulesFile:
    """A :class:`~pillarbox.reader.contracts.Rules`, in the file *path*. A damaged one is set aside, and said so; one that
    cannot be read stays, and nothing is written to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._removed: Lately[_Removed] = Lately()
        self.problem = ""
        self._readable = True
        self._rules = self._load()

    def all(self) -> Sequence[Rule]:
        return self._rules

    def save(self, rules: Sequence[Rule]) -> None:
        """Those without an id get one.

        Raises:
            LibraryUnusable: the file cannot be written; the rules are as they were.
        """
        named = tuple(
            rule if rule.id else replace(rule, id=secrets.token_hex(_ID_OCTETS)) for rule in rules
        )
        if not self._readable:
            raise LibraryUnusable(self.problem)
        with self._lock:
            kept.save(self._path, {"rules": [asdict(rule) for rule in named]})
            self._rules = named

    def change(self, edit: Callable[[Sequence[Rule]], Sequence[Rule]]) -> None:
        """See the contract.

        Raises:
            LibraryUnusable: as *save*.
        """
        with self._lock:
            changed = tuple(edit(self._rules))
            if changed != self._rules:
                self.save(changed)

    def remove(self, rule_id: str, *, seen: str = "") -> None:
        """See the contract.

        Raises:
            LibraryUnusable: as *save*.
        """
        with self._lock:
            names = [rule.id for rule in self._rules]
            if rule_id not in names:
                return
            place = names.index(rule_id)
            rule = self._rules[place]
            if seen and mark_of(rule) != seen:
                raise ChangedElsewhere("This rule has been changed elsewhere.")
            gone = self._removed.all().items()
            after = frozenset(name for name, each in gone if each.place(self._rules) > place)
            self.save([*self._rules[:place], *self._rules[place + 1 :]])
            self._removed.keep(rule_id, _Removed(rule, after.union(names[place + 1 :])))

    def removed(self, rule_id: str) -> Rule | None:
        """See the contract."""
        removed = self._removed.get(rule_id)
        return removed.rule if removed else None

    def restore(self, rule_id: str) -> None:
        """See the contract.

        Raises:
            LibraryUnusable: as *save*.
        """
        with self._lock:
            if any(rule.id == rule_id for rule in self._rules):
                return
            removed = self._removed.get(rule_id)
            if removed is None:
                raise TooLate("This rule cannot be brought back any more. Make it anew.")
            place = removed.place(self._rules)
            self.save([*self._rules[:place], removed.rule, *self._rules[place:]])
            self._removed.forget(rule_id)

    def first_that_fits(self, account: str, summary: Summary) -> Rule | None:
        return next((rule for rule in self._rules if fits(rule, summary, account)), None)

    def folder_renamed(self, old: Folder, new: Folder) -> None:
        """Rules that move to *old* move to *new*, also those that can be brought back.

        Raises:
            LibraryUnusable: as *save*.
        """

        def renamed(rule: Rule) -> Rule:
            return replace(rule, move_to=new) if rule.move_to == old else rule

        with self._lock:
            self.change(lambda rules: [renamed(rule) for rule in rules])
            self._removed.change(lambda each: each._replace(rule=renamed(each.rule)))

    def _load(self) -> tuple[Rule, ...]:
        try:
            found = kept.load(self._path)
            return () if found is None else tuple(map(_rule_of, found["rules"]))
        except LibraryUnusable as error:
            return self._none(error)
        except (ValueError, TypeError, KeyError, AttributeError):
            try:
                aside = kept.set_aside(self._path)
            except LibraryUnusable as error:
                return self._none(error)
            self.problem = (
                "The file with your rules is damaged, so no rule is applied. It has been kept as "
                f"{aside}. Make the rules anew, or put a copy of the file back and start again."
            )
            return ()

    def _none(self, error: LibraryUnusable) -> tuple[Rule, ...]:
        self._readable = False
        self.problem = (
            f"Your rules cannot be read, so none is applied, and none can be made. {error} End Pillarbox, put a copy "
            f"from a backup in the place of {self._path} or move it away, and start again."
        )
        return ()


def _rule_of(found: dict[str, Any]) -> Rule:
    """Raises ValueError, TypeError or AttributeError for what *asdict* has not made."""
    known = {field.name for field in fields(Rule)}
    values = {name: value for name, value in found.items() if name in known}
    values["accounts"] = tuple(values.get("accounts", ()))
    texts = [values.get(name, "") for name in _TEXTS] + [*values["accounts"]]
    switches = [values.get(name, False) for name in _SWITCHES]
    if not all(isinstance(text, str) for text in [*texts, values.get("move_to") or ""]):
        raise TypeError("a text is none")
    if not all(isinstance(switch, bool) for switch in switches):
        raise TypeError("a switch is none")
    return Rule(**values)


def _among(words: str, texts: Iterable[str]) -> bool:
    wanted = folded(words.strip())
    return not wanted or any(wanted in folded(text) for text in texts)


def _shown(people: Iterable[Correspondent]) -> Iterable[str]:
    """Each as one types it."""
    for one in people:
        yield f"{one.name} <{one.address}>"
        yield one.address
