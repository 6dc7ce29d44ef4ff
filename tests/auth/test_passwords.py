"""Which passwords there can be, and how one is proved."""

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.errors import AccountError, InvalidPassword
from pillarbox.auth.passwords import (
    MAX_PASSWORD_OCTETS,
    Argon2Parameters,
    Passwords,
    check_new,
    secret_octets,
)
from tests.auth.conftest import CHEAP


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "empty"),
        ("\u00ad", "empty"),  # nothing, once prepared
        ("a\0b", "NUL"),
        ("a\rb", "line end"),
        ("a\nb", "line end"),
        ("x" * 201, "200 octets.*has 201"),
        ("\u00eb" * 101, "200 octets.*has 202"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_password_that_pop3_could_not_carry_is_refused(password: str, reason: str) -> None:
    with pytest.raises(InvalidPassword, match=reason) as caught:
        check_new(password)
    assert password not in str(caught.value) or not password


@pytest.mark.parametrize(
    "password", ["a", " ", " two words ", "x" * 200, "\N{KEY}", "p\u00e4ss", "\t"]
)
def test_any_other_password_is_accepted(password: str) -> None:
    check_new(password)


def test_an_accepted_password_fits_into_a_command() -> None:
    assert len(b"PASS ") + MAX_PASSWORD_OCTETS + len(b"\r\n") <= 255  # RFC 2449, section 4


def test_a_verifier_proves_its_password_and_no_other() -> None:
    passwords = Passwords(CHEAP)
    verifier = passwords.verifier(secret_octets("secret"))
    assert passwords.proves(verifier, secret_octets("secret"))
    for other in ("", "Secret", "secret ", "secre", "secret\0"):
        assert not passwords.proves(verifier, secret_octets(other))


def test_all_keyboards_agree() -> None:
    """RFC 4013: what looks the same is the same."""
    assert secret_octets("Zoe\u0308") == secret_octets("Zo\u00eb") == "Zo\u00eb".encode()
    assert secret_octets("a\u00a0b") == b"a b"
    assert secret_octets("\u2168") == b"IX"


def test_what_cannot_be_prepared_is_taken_as_it_was_sent() -> None:
    assert secret_octets("\x07") == b"\x07"
    assert secret_octets("p\udce4ss") == b"p\xe4ss"  # the octets of ISO 8859-1
    assert secret_octets("e\u0301" * 2000) == "e\u0301".encode() * 2000  # too long to be anybody's


def test_emoji_and_accents_in_one_password_are_prepared() -> None:
    assert secret_octets("e\u0301\N{KEY}") == "\u00e9\N{KEY}".encode()


@given(st.text())
def test_no_password_is_an_error(password: str) -> None:
    assert isinstance(secret_octets(password), bytes)


@given(st.binary())
def test_no_octets_are_an_error(octets: bytes) -> None:
    assert isinstance(secret_octets(octets.decode("utf-8", "surrogateescape")), bytes)


def test_verifiers_are_argon2id_with_the_parameters_asked_for() -> None:
    parameters = argon2.extract_parameters(Passwords(CHEAP).verifier(b"secret"))
    assert parameters.type is argon2.Type.ID
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (1, 8, 1)


def test_the_defaults_are_at_least_what_owasp_asks_for() -> None:
    defaults = Argon2Parameters()
    assert defaults.time_cost >= 2
    assert defaults.memory_kib >= 19 * 1024


def test_two_verifiers_of_one_password_differ() -> None:
    passwords = Passwords(CHEAP)
    assert passwords.verifier(b"secret") != passwords.verifier(b"secret")


@pytest.mark.parametrize("parameters", [CHEAP, Argon2Parameters(), Argon2Parameters(3, 64, 2)])
def test_the_decoy_costs_what_a_real_verifier_costs(parameters: Argon2Parameters) -> None:
    passwords = Passwords(parameters)
    real = passwords.verifier(b"secret")
    assert argon2.extract_parameters(passwords.decoy) == argon2.extract_parameters(real)
    assert len(passwords.decoy) == len(real)
    assert not passwords.outdated(passwords.decoy)


def test_the_decoy_proves_nothing() -> None:
    passwords = Passwords(CHEAP)
    assert not passwords.proves(passwords.decoy, b"secret")
    assert passwords.decoy != Passwords(CHEAP).decoy


def test_other_parameters_make_a_verifier_outdated_and_still_provable() -> None:
    old = Passwords(CHEAP).verifier(b"secret")
    new = Passwords(Argon2Parameters(time_cost=2, memory_kib=16))
    assert new.outdated(old)
    assert new.proves(old, b"secret")
    assert not new.outdated(new.verifier(b"secret"))


@pytest.mark.parametrize(
    "verifier",
    ["", "secret", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA$", "$2b$12$abc", "\u00eb", "x\0"],
)
def test_a_damaged_verifier_is_an_error_that_names_no_password(verifier: str) -> None:
    with pytest.raises(AccountError) as caught:
        Passwords(CHEAP).proves(verifier, b"hunter2")
    assert "hunter2" not in str(caught.value)


def test_memory_that_is_not_there_is_an_error_with_a_remedy() -> None:
    passwords = Passwords(Argon2Parameters(memory_kib=2**32 - 1))
    with pytest.raises(AccountError, match="KiB of memory"):
        passwords.verifier(b"secret")
