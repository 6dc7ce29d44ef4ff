"""The memory of sign-ins: exactly what was said, while nothing has changed, and not for ever."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth import sign_ins
from pillarbox.auth.sign_ins import SignIns
from pillarbox.model import Identity
from pillarbox.sasl.claims import PasswordClaim
from tests.auth.test_cache import Clock

ALICE = Identity("alice")
CLAIM = PasswordClaim("alice", "secret")
V1, V2 = b"one", b"two"


def test_what_was_right_is_found_again() -> None:
    memory = SignIns()
    assert memory.find(V1, CLAIM) is None
    memory.remember(V1, CLAIM, ALICE, inf)
    assert memory.find(V1, CLAIM) == ALICE


def test_nothing_is_true_of_another_version() -> None:
    memory = SignIns()
    memory.remember(V1, CLAIM, ALICE, inf)
    assert memory.find(V2, CLAIM) is None
    assert memory.find(None, CLAIM) is None


def test_what_was_found_before_a_change_is_not_remembered_after_it() -> None:
    """A sign-in that began with the version before a change, and ends behind one that began later."""
    memory = SignIns()
    memory.remember(V2, PasswordClaim("bob", "x"), Identity("bob"), inf)
    memory.remember(V1, CLAIM, ALICE, inf)
    assert memory.find(V2, CLAIM) is None


def test_without_a_version_nothing_is_remembered() -> None:
    memory = SignIns()
    memory.remember(None, CLAIM, ALICE, inf)
    assert len(memory) == 0


def test_it_holds_until_its_time_is_up() -> None:
    clock = Clock()
    memory = SignIns(clock)
    clock.now = 100
    memory.remember(V1, CLAIM, ALICE, 160)
    clock.now = 159
    assert memory.find(V1, CLAIM) == ALICE
    clock.now = 160
    assert memory.find(V1, CLAIM) is None
    assert len(memory) == 0


def test_what_holds_no_longer_is_not_remembered() -> None:
    memory = SignIns()
    memory.remember(V1, CLAIM, ALICE, 0)
    assert len(memory) == 0


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_ins, "REMEMBERED", 10)
    memory = SignIns()
    for number in range(1000):
        memory.remember(V1, PasswordClaim(f"user{number}", "x"), ALICE, inf)
        assert memory.find(V1, PasswordClaim(f"user{number}", "x")) == ALICE
        assert len(memory) <= 10


texts = st.text("a1 \0\udcff\u00e9", max_size=4)


@given(texts, texts, texts, texts)
def test_no_two_claims_are_taken_for_one(a: str, b: str, c: str, d: str) -> None:
    """CVE-2025-30189: what is put together must come apart in one way only."""
    memory = SignIns()
    memory.remember(V1, PasswordClaim(a, b), ALICE, inf)
    found = memory.find(V1, PasswordClaim(c, d))
    assert (found is not None) == ((a, b) == (c, d))


def test_no_password_is_kept() -> None:
    memory = SignIns()
    memory.remember(V1, PasswordClaim("alice", "correct horse"), ALICE, inf)
    assert "correct" not in repr(vars(memory))
