"""Whom an answer goes to, and as whom: a table of cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pillarbox.reader.compose.replies import Answered, envelope_for, identity_for
from pillarbox.reader.mail.letter import Letter
from pillarbox.reader.model import Correspondent, Identity

WORK = Identity("work", "me@work.example", "Me")
HOME = Identity("home", "me@home.example", "Me")
IDENTITIES = [WORK, HOME]
MINE = [WORK.address, HOME.address]


def people(*addresses: str) -> tuple[Correspondent, ...]:
    return tuple(Correspondent("", address) for address in addresses)


def answered(  # one word for each field of addresses
    account: str = "",
    delivered: tuple[str, ...] = (),
    *,
    sender: str,
    to: str,
    cc: str = "",
    reply_to: str = "",
    list_post: str = "",
    followup: str = "",
    sent: bool = False,
) -> Answered:
    letter = Letter(
        sender=people(*sender.split()),
        to=people(*to.split()),
        cc=people(*cc.split()),
        reply_to=people(*reply_to.split()),
        list_post=list_post,
    )
    return Answered(letter, people(*followup.split()), delivered, account, sent=sent)


A, B, C, LIST = "a@x.example", "b@x.example", "c@x.example", "list@l.example"
W, H = MINE

CASES: dict[str, tuple[Answered, list[str], list[str], list[str], list[str]]] = {
    "an ordinary message": (answered(sender=A, to=W), [A], [], [A], []),
    "with others": (answered(sender=A, to=f"{W} {B}", cc=C), [A], [], [A, B], [C]),
    "both of my addresses, one with a tag": (
        answered(sender=A, to=f"me+shop@work.example {B}", cc=H),
        [A], [], [A, B], [],
    ),
    "Reply-To": (answered(sender=A, to=W, reply_to=B), [B], [], [B], []),
    "several in Reply-To": (answered(sender=A, to=W, reply_to=f"{B} {C}"), [B, C], [], [B, C], []),
    "a list that sets Reply-To": (
        answered(sender=A, to=LIST, reply_to=LIST, list_post=LIST),
        [A], [], [A, LIST], [],
    ),
    "a list, and the author's own Reply-To": (
        answered(sender=A, to=LIST, reply_to=B, list_post=LIST),
        [B], [], [B, LIST], [],
    ),
    "a list that is in no field": (
        answered(sender=A, to="undisclosed", list_post=LIST),
        [A], [], [A], [LIST],
    ),
    "Mail-Followup-To": (
        answered(sender=A, to=f"{LIST} {W}", cc=B, followup=f"{LIST} {W}"),
        [A], [], [LIST], [],
    ),
    "Mail-Followup-To to nobody else": (
        answered(sender=A, to=LIST, followup=W),
        [A], [], [A], [],
    ),
    "my own message": (answered(sender=W, to=A, cc=B), [A], [], [A], [B]),
    "my own message, with a copy for me": (
        answered(sender=W, to=A, cc=f"{H} {B}", reply_to=W),
        [A], [], [A], [B],
    ),
    "a note to myself": (answered(sender=W, to=W), [W], [], [W], []),
    "to my other account, in its inbox": (answered("home", sender=W, to=H), [W], [], [W], []),
    "to my other account, in its inbox, with a list's reply address": (
        answered("home", sender=W, to=LIST, cc=H, reply_to=LIST, list_post=LIST),
        [W], [], [W, LIST], [],
    ),
    "to my other account and others, in its inbox": (
        answered("home", sender=W, to=f"{H} {A}", cc=B),
        [W], [], [W, A], [B],
    ),
    "to my other account, in its inbox, and asked to follow up": (
        answered("home", sender=W, to=H, followup=f"{W} {A}"),
        [W], [], [W, A], [],
    ),
    "to my other account, filed": (answered(sender=W, to=H), [W], [], [W], []),
    "to my other account and others, filed by who has got it": (
        answered("", (H,), sender=W, to=f"{H} {A}"),
        [W], [], [W, A], [],
    ),
    "to my other account, in Sent": (answered(sender=W, to=H, sent=True), [H], [], [H], []),
    "to my other account, in the inbox of the first": (
        answered("work", sender=W, to=H),
        [H], [], [H], [],
    ),
    "hidden from others, to my other account": (
        answered("home", sender=W, to=A),
        [A], [], [A], [],
    ),
    "to nobody, hidden, to my other account": (
        answered("home", sender=W, to=W),
        [W], [], [W], [],
    ),
    "my own message by a list that my other account is on": (
        answered("home", (H,), sender=W, to=LIST, list_post=LIST),
        [LIST], [], [LIST], [],
    ),
    "the same person in two fields": (
        answered(sender=A, to=f"{W} A@X.example", cc=A),
        [A], [], [A], [],
    ),
    "a sender that is no address": (answered(sender="nobody", to=B), [], [], [B], []),
}  # fmt: skip


@pytest.mark.parametrize(("message", "to", "cc", "all_to", "all_cc"), CASES.values(), ids=CASES)
def test_whom_an_answer_goes_to(
    message: Answered, to: list[str], cc: list[str], all_to: list[str], all_cc: list[str]
) -> None:
    one = envelope_for(message, IDENTITIES, to_all=False)
    assert ([p.address for p in one.to], [p.address for p in one.cc]) == (to, cc)
    every = envelope_for(message, IDENTITIES, to_all=True)
    assert ([p.address for p in every.to], [p.address for p in every.cc]) == (all_to, all_cc)


@pytest.mark.parametrize(
    ("message", "identity"),
    [
        (answered(sender=A, to=H), HOME),
        (answered(sender=A, to=B, cc="ME@home.example"), HOME),
        (
            answered(sender=A, to="me+list@home.example"),
            replace(HOME, address="me+list@home.example"),
        ),
        (answered(sender=A, to=B, delivered=("me@home.example",)), HOME),
        (answered(sender=A, to=f"{W} {H}"), WORK),
        (answered(sender=A, to=f"{W} {H}", account="home"), HOME),
        (answered(sender=A, to=LIST, account="home"), HOME),
        (answered(sender=A, to=LIST), WORK),
        (answered(sender=H, to=W, sent=True), HOME),  # my own message
        (answered(sender=H, to=A), HOME),
        (answered(sender=H, to=W), WORK),  # from one account to the other
        (answered(sender=H, to=W, account="work"), WORK),
        (answered(sender=H, to=f"{H} {W}"), WORK),
        (answered(sender=H, to=H, account="work"), WORK),
        (answered(sender=H, to=W, account="home"), HOME),
        (answered(sender=A, to=W, account="home"), HOME),
        (answered(sender=A, to=W, account="removed since"), WORK),
    ],
)
def test_as_whom(message: Answered, identity: Identity) -> None:
    assert identity_for(message, IDENTITIES) == identity


def test_as_nobody_when_there_is_no_account() -> None:
    assert identity_for(answered(sender=A, to=W), []) is None
