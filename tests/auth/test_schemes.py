"""Password hashes of other servers: hashes that other programs made, and what is refused."""

import contextlib
import shutil
import subprocess
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth import schemes
from pillarbox.auth.errors import InvalidHash
from pillarbox.auth.schemes import SCHEMES, proves, scram_keys_in, understand

doveadm = pytest.mark.skipif(not shutil.which("doveadm"), reason="doveadm is not installed")
mkpasswd = pytest.mark.skipif(not shutil.which("mkpasswd"), reason="mkpasswd is not installed")

PASSWORD = "S\u00e9cret: 7 + \u20ac"


def by_doveadm(scheme: str, password: str = PASSWORD, *options: str) -> str:
    done = subprocess.run(
        ["doveadm", "pw", *options, "-s", scheme, "-p", password],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.removesuffix("\n")


def wrong(password: str) -> list[str]:
    return ["", password[:-1], password.swapcase(), "x" + password, "\udcff", password + "\0"]


COSTLY = {"ARGON2I", "ARGON2ID"}
"""They take a quarter of a second for each password, however the hash is encoded."""
FORMS = list(product(SCHEMES, ["", ".HEX", ".B64"]))
COSTLY_AGAIN = [(scheme, encoding) for scheme, encoding in FORMS if encoding and scheme in COSTLY]


@doveadm
@pytest.mark.parametrize(
    ("scheme", "encoding", "briefly"),
    [
        *((*form, form in COSTLY_AGAIN) for form in FORMS),
        *(pytest.param(*form, False, marks=pytest.mark.long) for form in COSTLY_AGAIN),
    ],
)
def test_a_hash_of_dovecots_proves_its_password_and_no_other(
    scheme: str, encoding: str, briefly: bool
) -> None:
    password = PASSWORD if scheme != "DES-CRYPT" else "S\u00e9cret"  # eight octets at most
    made = by_doveadm(scheme + encoding, password)
    assert made.upper().startswith(f"{{{scheme}{encoding}}}")
    assert proves(made, password)
    for other in ["x" + password] if briefly else wrong(password):
        assert not proves(made, other)


@doveadm
@pytest.mark.parametrize(
    ("scheme", "rounds"), [("BLF-CRYPT", "4"), ("SHA512-CRYPT", "1000"), ("PBKDF2", "50000")]
)
def test_rounds_that_were_asked_for(scheme: str, rounds: str) -> None:
    made = by_doveadm(scheme, PASSWORD, "-r", rounds)
    assert proves(made, PASSWORD)
    assert not proves(made, "other")


@doveadm
@pytest.mark.parametrize(
    "scheme", ["BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "ARGON2ID", "ARGON2I"]
)
def test_hashes_of_crypt_are_known_without_a_scheme(scheme: str) -> None:
    made = by_doveadm(scheme)
    bare = made.partition("}")[2]
    assert understand(bare).scheme == scheme
    assert proves(bare, PASSWORD)
    assert proves("{CRYPT}" + bare, PASSWORD)
    assert not proves(bare, "other")


@mkpasswd
@pytest.mark.parametrize("method", ["sha512crypt", "sha256crypt", "md5crypt", "descrypt", "bcrypt"])
def test_hashes_of_mkpasswd(method: str) -> None:
    done = subprocess.run(
        ["mkpasswd", "-m", method, "secret"], capture_output=True, text=True, check=True
    )
    made = "{CRYPT}" + done.stdout.strip()
    assert proves(made, "secret")
    assert not proves(made, "Secret")


@mkpasswd
def test_yescrypt_is_refused_with_a_sentence() -> None:
    done = subprocess.run(
        ["mkpasswd", "-m", "yescrypt", "secret"], capture_output=True, text=True, check=True
    )
    with pytest.raises(InvalidHash, match=r"begin with \$y\$ cannot be used: set a password"):
        understand(done.stdout.strip())


@pytest.mark.parametrize(
    ("stored", "password"),
    [
        # RFC 5802, section 5; RFC 7677, section 3: the keys follow from what is given there.
        (
            (
                "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
                "D+CSWLOshSulAsxiupA+qs2/fTE="
            ),
            "pencil",
        ),
        (
            (
                "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
                "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
                "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
            ),
            "pencil",
        ),
        # The test vectors of RFC 6070 (PBKDF2) in Dovecot's form.
        ("{PBKDF2}$1$salt$1$0c60c80f961f0e71f3a9b524af6012062fe037a6", "password"),
        ("{PBKDF2}$1$salt$4096$4b007901b765489abead49d926f721d065a429c1", "password"),
        # OpenLDAP's slappasswd, htpasswd -B, and the FIPS 180 vectors.
        ("{SHA}qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", "abc"),
        ("{SHA}a9993e364706816aba3e25717850c26c9cd0d89d", "abc"),
        ("{SHA256}ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "abc"),
        ("{PLAIN-MD5}900150983cd24fb0d6963f7d28e17f72", "abc"),
        ("{MD5}900150983cd24fb0d6963f7d28e17f72", "abc"),
        ("{LDAP-MD5}kAFQmDzST7DWlj99KOF/cg==", "abc"),
        # Ulrich Drepper's specification of SHA-crypt.
        (
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            "Hello world!",
        ),
        (
            (
                "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8"
                "vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."
            ),
            "Hello world!",
        ),
        # crypt_blowfish's wrapper.c.
        ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
        ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
    ],
)
def test_published_vectors(stored: str, password: str) -> None:
    assert proves(stored, password)
    assert not proves(stored, password + "x")
    assert proves(stored.replace("{SHA}", "{sha1}").replace("{MD5}", "{md5}"), password)


def test_bcrypt_looks_at_seventy_two_octets() -> None:
    """crypt(3) passes over the rest without a word; the library wants it cut off."""
    import bcrypt  # noqa: PLC0415 - the library itself, beside libpass

    made = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert proves(made, "x" * 72)
    assert proves(made, "x" * 100)
    assert not proves(made, "x" * 71)


def test_a_password_is_tried_as_it_was_sent_and_prepared() -> None:
    """Other servers hashed whatever their clients sent."""
    for kept in ("Zo\u00eb", "Zoe\u0308"):
        assert proves("{PLAIN}" + kept, kept)
    assert proves("{PLAIN}Zo\u00eb", "Zoe\u0308")
    assert proves("{PLAIN.HEX}e9", "\udce9")  # ISO 8859-1


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("$2y$31$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "31 cost, and 14 are"),
        ("$6$rounds=999999999$saltstring$" + "x" * 86, "999999999 rounds, and 1000000 are"),
        ("{SHA256-CRYPT}$5$rounds=1000001$saltstring$" + "x" * 43, "1000001 rounds"),
        ("{PBKDF2}$1$salt$2000001$" + "0" * 40, "2000001 rounds, and 2000000 are"),
        ("{ARGON2ID}$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "A" * 43, "4194304 KiB"),
        ("{ARGON2I}$argon2i$v=19$m=65536,t=4000000000,p=1$c2FsdHNhbHQ$" + "A" * 43, "times passes"),
        ("{ARGON2ID}$argon2id$v=19$m=1024,t=1,p=4096$c2FsdHNhbHQ$" + "A" * 43, "4096 lanes"),
        (
            (
                "{SCRAM-SHA-256}999999999,W22ZaJ0SNY7soEsUEjb6gQ==,"
                "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
                "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
            ),
            "999999999 iterations, and 2000000 are",
        ),
    ],
)
def test_a_hash_of_an_absurd_price_is_refused_before_anything_is_computed(
    stored: str, reason: str
) -> None:
    with pytest.raises(InvalidHash, match=reason):
        proves(stored, "x")


def test_dear_hashes_within_the_bounds_are_understood() -> None:
    assert understand("$6$rounds=656000$saltstring$" + "x" * 86)
    assert understand("$2b$14$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "secret",
        "{",
        "{}",
        "{PLAIN}",
        "{NOSUCH}x",
        "{CRAM-MD5}ba214f81cb54a750cbe918fae06b7de5af422cdbad3755a209c38127a2b7f473",
        "{SHA}!",
        "{SHA}AAAA",
        "{SHA256.HEX}zz",
        "{SSHA}AAAA",
        "{SSHA.XYZ}AAAA",
        "{PBKDF2}$1$salt$0$" + "0" * 40,
        "{PBKDF2}$2$salt$1$" + "0" * 40,
        "{BLF-CRYPT}$6$salt$x",
        "{SHA512-CRYPT}x",
        "{DES-CRYPT}*",
        "{CRYPT}*",
        "{CRYPT}!",
        "{CRYPT}",
        "{CRYPT}!$6$saltstring$" + "x" * 86,
        "{ARGON2ID}$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA",
        "$argon2id$v=19$m=0,t=0,p=0$$",
        "$",
        "$y$j9T$salt$x",
        "{SCRAM-SHA-256}4096,c2FsdA==,AAAA,AAAA",
        "{SCRAM-SHA-256}x",
        "{SHA}\u0661",
        "{PLAIN}" + "x" * 1024,
    ],
)
def test_what_is_no_hash_is_refused_with_a_sentence_that_does_not_show_it(stored: str) -> None:
    with pytest.raises(InvalidHash) as caught:
        proves(stored, "x")
    body = stored.partition("}")[2]
    assert len(body) < 5 or body not in str(caught.value)


@given(
    st.text()
    | st.tuples(st.sampled_from(SCHEMES), st.sampled_from(["", ".HEX", ".B64"]), st.text()).map(
        lambda parts: f"{{{parts[0]}{parts[1]}}}{parts[2]}"
    )
    | st.tuples(st.sampled_from([item[0] for item in schemes._CRYPT_SAYS]), st.text()).map("".join)
)
def test_nothing_that_a_source_may_hold_is_another_error(stored: str) -> None:
    with contextlib.suppress(InvalidHash):
        assert understand(stored).scheme in SCHEMES


@doveadm
def test_keys_of_scram_are_read_as_dovecot_writes_them() -> None:
    made = by_doveadm("SCRAM-SHA-256", "secret")
    keys = scram_keys_in(made, "sha256")
    assert keys is not None
    assert keys.iterations == 4096
    assert scram_keys_in(made, "sha1") is None
    assert scram_keys_in("{SSHA}AAAA", "sha256") is None
    assert scram_keys_in("{SCRAM-SHA-256}x", "sha256") is None


def test_a_hash_shows_nothing_of_itself() -> None:
    assert repr(understand("{PLAIN}hunter2")) == "<Hash PLAIN>"
