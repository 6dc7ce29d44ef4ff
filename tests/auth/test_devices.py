"""Devices: their names, their app passwords, and what becomes of them."""

import math
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.app_passwords import (
    ALPHABET,
    LETTERS,
    MAX_TYPED_CHARACTERS,
    digest,
    generate,
    letters_of,
)
from pillarbox.auth.devices import DeviceRecord
from pillarbox.auth.errors import DeviceExists, InvalidName, NoSuchAccount, NoSuchDevice
from pillarbox.auth.names import MAX_DEVICE_CHARACTERS, normalise_device
from tests.auth.test_names import NASTY

# App passwords


def test_an_app_password_has_a_hundred_bits_and_more() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert LETTERS * math.log2(len(ALPHABET)) >= 100


def test_it_is_typed_with_lower_case_letters_that_look_like_no_others() -> None:
    assert set(ALPHABET) <= set(string.ascii_lowercase) - set("ilo")


def test_it_is_printed_in_groups_of_four() -> None:
    groups = generate().printed.split("-")
    assert [len(group) for group in groups] == [4] * 6
    assert set("".join(groups)) <= set(ALPHABET)


def test_no_two_are_alike_and_all_letters_come() -> None:
    many = [generate().printed for _ in range(200)]
    assert len(set(many)) == 200
    assert set("".join(many)) == {*ALPHABET, "-"}


def test_its_repr_does_not_show_it() -> None:
    password = generate()
    for text in (repr(password), str(password), f"{password}", f"{[password]}"):
        assert password.printed not in text


@given(
    st.lists(st.sampled_from(["", " ", "-", "\u2013", "\u00a0", "\t"]), min_size=24, max_size=24)
)
def test_it_is_the_same_however_it_is_typed(between: list[str]) -> None:
    printed = generate().printed
    letters = letters_of(printed)
    assert letters == printed.replace("-", "")
    typed = "".join(map("".join, zip(letters, between, strict=True)))
    assert letters_of(typed) == letters_of(typed.upper()) == letters_of(typed.title()) == letters


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "secret",
        "b" * 23,
        "b" * 25,
        "a" + "b" * 23,  # not a letter of the alphabet
        "b" * 24 + "\0",
        "\udcff" * 24,
        "\uff42" * 24,  # full-width letters
        "b" * 24 + " " * MAX_TYPED_CHARACTERS,
        "1" * 24,
    ],
)
def test_what_can_be_no_app_password(typed: str) -> None:
    assert letters_of(typed) is None


@given(st.text() | st.binary().map(lambda octets: octets.decode("utf-8", "surrogateescape")))
def test_nothing_that_is_typed_is_an_error(typed: str) -> None:
    letters = letters_of(typed)
    assert letters is None or set(letters) <= set(ALPHABET)


def test_a_digest_is_of_one_user_one_password_and_one_file() -> None:
    letters = "b" * LETTERS
    base = digest("alice", letters, b"k")
    assert digest("alice", letters, b"k") == base
    others = {
        digest("bob", letters, b"k"),
        digest("alice", "c" + letters[1:], b"k"),
        digest("alice", letters, b"l"),
        digest("aliceb", letters[1:], b"k"),
    }
    assert len(others - {base}) == 4


# Names


@pytest.mark.parametrize(
    ("name", "kept"), [("Phone", "phone"), ("o'brien", "o'brien"), ("\uff30hone", "phone")]
)
def test_a_device_is_called_as_an_account_could_be(name: str, kept: str) -> None:
    assert normalise_device(name) == kept
    assert normalise_device(kept) == kept


@pytest.mark.parametrize("name", [*NASTY, "default", "Default", "\uff24efault"], ids=ascii)
def test_names_that_no_device_can_have(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidName):
        normalise_device(name)
    for use in (accounts.add_device, accounts.remove_device):
        with pytest.raises(InvalidName):
            use("alice", name)


def test_the_name_of_a_device_is_short() -> None:
    assert normalise_device("x" * MAX_DEVICE_CHARACTERS)
    assert normalise_device("\u00eb" * MAX_DEVICE_CHARACTERS)
    with pytest.raises(InvalidName, match="at most 32 characters; this one has 33"):
        normalise_device("x" * 33)


# Adding, removing


def test_a_device_is_added_and_listed(accounts: Accounts) -> None:
    password = accounts.add_device("Alice", "Phone")
    accounts.add_device("alice", "laptop")
    accounts.add_device("bob", "phone")
    assert letters_of(password.printed)
    assert [record.device for record in accounts.devices("ALICE")] == ["laptop", "phone"]
    record = accounts.devices("bob")[0]
    assert record == DeviceRecord("bob", "phone", record.created_at)
    assert accounts.has_devices("alice")
    assert not accounts.has_devices("carol")
    assert accounts.devices("carol") == []


def test_a_name_of_a_device_is_given_once(accounts: Accounts) -> None:
    accounts.add_device("alice", "phone")
    before = accounts.devices("alice")
    with pytest.raises(DeviceExists, match=r"'phone'.*device list alice"):
        accounts.add_device("alice", "PHONE")
    assert accounts.devices("alice") == before


def test_a_removed_device_is_gone_and_can_be_made_anew(accounts: Accounts) -> None:
    old = accounts.add_device("alice", "phone")
    accounts.add_device("bob", "phone")
    accounts.remove_device("Alice", "PHONE")
    assert not accounts.has_devices("alice")
    assert accounts.has_devices("bob")
    with pytest.raises(NoSuchDevice, match=r"'phone'.*device list alice"):
        accounts.remove_device("alice", "phone")
    assert accounts.add_device("alice", "phone").printed != old.printed


def test_removing_an_account_removes_its_devices_and_no_others(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    accounts.add_device("alice", "phone")
    accounts.add_device("bob", "phone")
    accounts.remove("alice")
    accounts.add("alice", "secret")
    assert accounts.devices("alice") == []
    assert accounts.has_devices("bob")


def test_a_failed_removal_of_an_account_removes_no_device(accounts: Accounts) -> None:
    accounts.add_device("alice", "phone")  # a user of another source
    with pytest.raises(NoSuchAccount):
        accounts.remove("alice")
    assert accounts.has_devices("alice")


def test_another_password_or_state_leaves_the_devices(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    accounts.add_device("alice", "phone")
    before = accounts.devices("alice")
    accounts.set_password("alice", "other")
    accounts.disable("alice")
    accounts.enable("alice")
    assert accounts.devices("alice") == before


def test_the_file_does_not_hold_an_app_password(accounts: Accounts, path: Path) -> None:
    password = accounts.add_device("alice", "phone")
    accounts.close()
    content = path.read_bytes()
    assert password.printed.encode() not in content
    assert password.printed.replace("-", "").encode() not in content
