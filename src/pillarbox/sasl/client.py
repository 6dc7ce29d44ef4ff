"""Choosing how to sign in, on the client: the strongest that both sides have.

::

    SaslError
    ├── UnknownMechanism   the one that the user wants is none of ours, or needs other credentials
    ├── NothingInCommon    the server offers nothing that these credentials can be used with
    ├── TlsNeeded          what both have would show the password to everybody
    └── Downgraded         what both have is weaker than what was used before

A mechanism's module is imported only when it is chosen: with the hashes and tables of SCRAM
the start of a program that signs in with PLAIN would take noticeably longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.mechanism import ClientMechanism, Credentials, SaslError
from pillarbox.sasl.strength import STRENGTHS, Proof, Row

__all__ = [
    "ChannelBinding",
    "ClientMechanism",
    "Credentials",
    "Downgraded",
    "NothingInCommon",
    "SaslError",
    "TlsNeeded",
    "UnknownMechanism",
    "choose",
    "refuse_weaker",
]


class UnknownMechanism(SaslError):
    """The mechanism that was asked for is none of ours, or not for these credentials."""


class NothingInCommon(SaslError):
    """The server offers no mechanism that these credentials can be used with."""


class TlsNeeded(SaslError):
    """Without TLS everybody on the way would learn what proves the identity."""


class Downgraded(SaslError):
    """What is offered is weaker than what was used before with this account.

    Either the server was set up anew, or somebody in between wants to see the password.
    """

    def __init__(self, offered: Sequence[str], before: str) -> None:
        names = ", ".join(offered) or "no SASL"
        super().__init__(f"the server offered {before} before, and now only weaker ({names})")
        self.offered = tuple(offered)
        self.before = before


def choose(
    offered: Sequence[str],
    credentials: Credentials,
    *,
    secured: bool,
    channel_binding: ChannelBinding | None = None,
    wanted: str | None = None,
    at_least: str | None = None,
) -> ClientMechanism:
    """A new exchange in the strongest mechanism that both sides have.

    Args:
        offered: what CAPA's SASL line announced; nothing if there was none.
        credentials: with a password, a token or neither (a client certificate is the proof).
            The mechanism is one that works with what is there.
        secured: TLS protects the connection, or the user has accepted that nothing does.
        channel_binding: of the TLS connection, if it could be had: for the -PLUS mechanisms.
        wanted: take this one and no other. The user's decision outranks *at_least*, and is
            tried even if the server announces no mechanism at all (some do not say).
        at_least: the mechanism that was used before with this account.

    Raises:
        UnknownMechanism, NothingInCommon, TlsNeeded, Downgraded: see there.
        SaslError: the credentials cannot be expressed in the mechanism.
    """
    names = [name.upper() for name in offered]
    if wanted is not None:
        row = _wanted(wanted.upper(), names, credentials, channel_binding)
        if row.plaintext and not secured:
            raise TlsNeeded(f"{row.name} without TLS would show the password to everybody")
    else:
        row = _strongest(names, credentials, channel_binding, secured=secured)
        refuse_weaker(row.name, names, credentials, at_least)
    return _build(row, credentials, channel_binding, names)


def refuse_weaker(
    name: str, offered: Sequence[str], credentials: Credentials, before: str | None
) -> None:
    """See to it that *name* (USER and APOP count, too) is no weaker than what was used *before*.

    Whoever goes over from a password to a token, or back, does so by changing the
    configuration, which no server can bring about: ways of different kinds are compared only
    where the credentials still have what the former way proved the identity with.

    Raises:
        Downgraded: it is weaker, or *before* is not known here and might be stronger.
    """
    if before is None or name == before.upper():
        return
    row, former = STRENGTHS[name], STRENGTHS.get(before.upper())
    if former is None:
        raise Downgraded(offered, before)
    comparable = former.proof is row.proof or former.proof in _proofs(credentials)
    if comparable and former.strength > row.strength:
        raise Downgraded(offered, before)


def _proofs(credentials: Credentials) -> set[Proof]:
    """What these credentials can prove the identity with."""
    proofs = set()
    if credentials.password is not None:
        proofs.add(Proof.PASSWORD)
    if credentials.token is not None:
        proofs.add(Proof.TOKEN)
    return proofs or {Proof.CERTIFICATE}


def _usable(
    offered: Sequence[str], credentials: Credentials, binding: ChannelBinding | None
) -> list[Row]:
    """The rows that both sides have, strongest first."""
    proofs = _proofs(credentials)
    return [
        row
        for name, row in STRENGTHS.items()
        if name in offered
        and row.client
        and row.proof in proofs
        and (binding is not None or not _binds(name))
    ]


def _binds(name: str) -> bool:
    return name.endswith("-PLUS")


def _strongest(
    offered: Sequence[str],
    credentials: Credentials,
    binding: ChannelBinding | None,
    *,
    secured: bool,
) -> Row:
    usable = _usable(offered, credentials, binding)
    for row in usable:
        if secured or not row.plaintext:
            return row
    names = ", ".join(offered) or "no mechanism at all"
    if usable:
        raise TlsNeeded(f"the server offers nothing that is safe without TLS ({names})")
    raise NothingInCommon(f"the server offers nothing that can be used here ({names})")


def _wanted(
    name: str, offered: Sequence[str], credentials: Credentials, binding: ChannelBinding | None
) -> Row:
    row = STRENGTHS.get(name)
    if row is None or not row.client:
        ours = ", ".join(row.name for row in STRENGTHS.values() if row.client)
        raise UnknownMechanism(f'there is no mechanism "{name}", only {ours}')
    # A client certificate is no part of the credentials: whoever wants EXTERNAL has one.
    if row.proof is not Proof.CERTIFICATE and row.proof not in _proofs(credentials):
        raise UnknownMechanism(f"{name} needs {row.proof.value}, and there is none")
    if offered and name not in offered:
        raise NothingInCommon(f"the server does not offer {name}, only {', '.join(offered)}")
    if _binds(name) and binding is None:
        raise NothingInCommon(f"{name} needs a TLS connection that a sign-in can be bound to")
    return row


def _build(
    row: Row, credentials: Credentials, binding: ChannelBinding | None, offered: Sequence[str]
) -> ClientMechanism:
    module, _, class_name = row.client.partition(":")
    mechanism = getattr(import_module(f"pillarbox.sasl.{module}"), class_name)
    client: ClientMechanism
    if row.name.startswith("SCRAM-"):
        no_plus = bool(offered) and not any(_binds(name) for name in offered)
        client = mechanism(
            credentials,
            binding if _binds(row.name) else None,
            would_bind=binding is not None and no_plus,
        )
    else:
        client = mechanism(credentials)
    return client
