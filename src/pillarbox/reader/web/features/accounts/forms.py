"""What is typed about an account, understood: values, and what is wrong with which field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from pillarbox.addresses import MOST_ALIASES, is_address
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.errors import InvalidSetting
from pillarbox.client.hosts import host_name
from pillarbox.client.tls import TlsSettings, normal_fingerprint
from pillarbox.client.url import MAX_PORT
from pillarbox.reader.submission import Security, Submission

COLLECTING = {"tls": (Collecting.IMPLICIT_TLS, 995), "stls": (Collecting.STLS, 110)}
SENDING = {"tls": (Security.TLS, 465), "starttls": (Security.STARTTLS, 587)}
CLEAR = {"none": (Security.NONE, 587)}
"""Offered only where the configuration file says so."""
CLEAR_COLLECTING = {"none": (Collecting.CLEARTEXT, 110)}
"""The same."""
LONGEST = 1000
"""Characters of a field of one line."""
LONGEST_DAYS = 36_500
"""A hundred years: what is more is a slip."""
_APART = re.compile(r"[\s,;]+")
_NAMED = re.compile(
    r"""(?:^|(?<=[,;>]))[^\S\n]*+(?:"[^"\n]*+"[^\S\n]*+|[^<>@,;"\n]*+)<([^<>\n]*+)>""", re.MULTILINE
)
"""An address behind a name, as it is pasted from a message. With an @ in the name it is not told whose it is."""


@dataclass(slots=True)
class Typed:
    """The fields of a form, and what turned out to be wrong."""

    fields: Mapping[str, str]
    wrong: dict[str, str] = field(default_factory=dict)
    """By field: a sentence."""

    def line(self, name: str) -> str:
        """One line."""
        text = self.fields.get(name, "").strip()
        if len(text) > LONGEST or not text.isprintable():
            self.wrong[name] = "This is too long, or has characters that cannot be printed."
            return ""
        return text

    def needed(self, name: str, missing: str) -> str:
        """One line that has to be there."""
        text = self.line(name)
        if not text and name not in self.wrong:
            self.wrong[name] = missing
        return text

    def host(self, name: str) -> str:
        text = self.needed(name, "Name the server, like mail.example.org.")
        try:
            return host_name(text) if text else ""
        except ValueError:
            self.wrong[name] = "This is no name of a server; one looks like mail.example.org."
            return ""

    def port(self, name: str, usual: int) -> int:
        text = self.line(name)
        if not text:
            return usual
        if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_PORT:
            return int(text)
        self.wrong[name] = f"Write a number from 1 to {MAX_PORT}, or nothing for {usual}."
        return usual

    def choice(self, name: str, choices: Mapping[str, Any]) -> Any:
        """What stands for the word; the first, if there is none."""
        return choices.get(self.fields.get(name, ""), next(iter(choices.values())))


def addresses(form: Typed, name: str) -> tuple[str, ...]:
    """Several of them, however they are kept apart; each once, and without names."""
    bare = _NAMED.sub(r" \1 ", form.fields.get(name, ""))
    found = tuple(dict.fromkeys(filter(None, _APART.split(bare))))
    for one in found:
        if len(one) > LONGEST or not is_address(one):
            form.wrong[name] = f"An address looks like alice@example.org; “{one[:60]}” does not."
    if len(found) > MOST_ALIASES:
        form.wrong[name] = (
            f"These are {len(found)} addresses: an account has {MOST_ALIASES} at most."
        )
    return found


async def typed(request: Request) -> Typed:
    """What was sent."""
    async with request.form() as form:
        return Typed({name: value for name, value in form.items() if isinstance(value, str)})


def keep_days(form: Typed) -> int | None:
    """``keep``: ``days`` (with ``days``), ``always`` or ``never``."""
    choice = form.fields.get("keep", "days")
    if choice == "always":
        return None
    if choice == "never":
        return 0
    text = form.line("days")
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LONGEST_DAYS:
        return int(text)
    form.wrong["days"] = f"Write a whole number of days from 1 to {LONGEST_DAYS}."
    return 0


def trust(form: Typed) -> TlsSettings:
    """``ca`` and ``fingerprint``; both may be empty."""
    ca, fingerprint = form.line("ca"), form.line("fingerprint")
    if ca and not Path(ca).expanduser().is_absolute():
        form.wrong["ca"] = "Write the path in full, from / on."
    elif ca and not Path(ca).expanduser().is_file():
        form.wrong["ca"] = "There is no such file on this machine."
    if fingerprint:
        try:
            fingerprint = normal_fingerprint(fingerprint)
        except InvalidSetting:
            form.wrong["fingerprint"] = "A SHA-256 has 64 digits from 0 to 9 and A to F."
    return TlsSettings(str(Path(ca).expanduser()) if ca else None, fingerprint or None)


@dataclass(frozen=True, slots=True)
class Servers:
    """Where an account's mail comes from and goes to."""

    collect: Endpoint
    tls: TlsSettings
    submit: Submission | None


def servers(form: Typed) -> Servers:
    """Those that were entered by hand. With faults, they are in ``form.wrong`` and the result is not to be used."""
    collect = collecting(form)
    tls = trust(form)
    return Servers(collect, tls, submission(form, collect, tls))


def collecting(form: Typed, *, clear: bool = False) -> Endpoint:
    """Where mail comes from, as it was entered. *clear*: it may go without protection."""
    security, usual = form.choice("security", COLLECTING | (CLEAR_COLLECTING if clear else {}))
    return Endpoint(
        form.host("host"),
        form.port("port", usual),
        security,
        form.needed("user", "Say by which name to sign in: often the whole address."),
    )


def collecting_fields(collect: Endpoint) -> dict[str, str]:
    """The fields that :func:`collecting` understands as *collect*."""
    words = {security: word for word, (security, _) in (COLLECTING | CLEAR_COLLECTING).items()}
    return {
        "host": collect.host,
        "port": str(collect.port),
        "security": words[collect.security],
        "user": collect.user,
    }


def trust_fields(tls: TlsSettings) -> dict[str, str]:
    """The fields that :func:`trust` understands as *tls*."""
    return {"ca": str(tls.ca or ""), "fingerprint": tls.fingerprint or ""}


def submission(form: Typed, collect: Endpoint, tls: TlsSettings) -> Submission | None:
    """Where mail leaves, as it was entered; without secrets. None: nowhere.

    Args:
        form: with ``sends``, and ``smtp_host`` and the like.
        collect: where mail comes from.
        tls: which certificate counts there; the pinned one counts for sending only at the same host.
    """
    if "sends" not in form.fields:
        return None
    sending, usual = form.choice("smtp_security", SENDING | CLEAR)
    host = form.host("smtp_host")
    user = (form.line("smtp_user") or collect.user) if "smtp_auth" in form.fields else None
    pinned = tls if host == collect.host else tls._replace(fingerprint=None)
    return Submission(host, form.port("smtp_port", usual), sending, user, tls=pinned)


def as_fields(submit: Submission | None, collect: Endpoint | None) -> dict[str, str]:
    """The fields that :func:`submission` understands as *submit*; who signs in at *collect*, too, is not named again."""
    if submit is None:
        return {}
    words = {security: word for word, (security, _) in (SENDING | CLEAR).items()}
    fields = {
        "sends": "on",
        "smtp_host": submit.host,
        "smtp_port": str(submit.port),
        "smtp_security": words[submit.security],
        "smtp_user": "" if collect and submit.user == collect.user else submit.user or "",
    }
    return fields | ({} if submit.user is None else {"smtp_auth": "on"})
