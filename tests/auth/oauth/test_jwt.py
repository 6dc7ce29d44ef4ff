"""Signed tokens: the RFCs' vectors, and the attacks of RFC 8725."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.oauth.claims import Rules, Verdict
from pillarbox.auth.oauth.jwt import MAX_HEADER, JwtCheck
from pillarbox.auth.oauth.keys import SigningKeys
from pillarbox.auth.oauth.settings import ALGORITHMS
from pillarbox.contracts.errors import CredentialsRefused
from tests.auth.oauth.craft import (
    AUDIENCE,
    BY_ALGORITHM,
    ED448,
    ISSUER,
    NOW,
    OTHER_RSA,
    P256,
    RSA,
    b64,
    claims,
    encoded,
    jwk,
    key_set,
    signature,
    token,
)

RULES = Rules(ISSUER, frozenset({AUDIENCE}), frozenset(), "email")


class Keys:
    """Keys that are there; and those that come later, if they are asked for."""

    def __init__(self, octets: bytes, later: bytes | None = None) -> None:
        self._keys = SigningKeys.parse(octets)
        self._later = None if later is None else SigningKeys.parse(later)
        self.asked = 0

    async def keys(self) -> SigningKeys:
        return self._keys

    async def newer(self) -> SigningKeys | None:
        self.asked += 1
        return self._later


OURS = key_set(*(jwk(key, kid=f"kid-{n}") for n, key in enumerate({*BY_ALGORITHM.values()})))


def check_of(
    keys: Keys | bytes = OURS, algorithms: tuple[str, ...] = ALGORITHMS, rules: Rules = RULES
) -> JwtCheck:
    source = Keys(keys) if isinstance(keys, bytes) else keys
    return JwtCheck(rules, source, algorithms, lambda: NOW)


async def refusal(text: str, check: JwtCheck | None = None) -> str:
    with pytest.raises(CredentialsRefused) as caught:
        await (check or check_of()).check(text)
    for part in text.split("."):
        assert len(part) < 10 or part not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_every_signature_that_we_take(algorithm: str) -> None:
    key = BY_ALGORITHM[algorithm]
    check = check_of(key_set(jwk(key, kid="k")))
    good = token(key=key, algorithm=algorithm, kid="k")
    assert await check.check(good) == Verdict("alice@example.org", NOW + 3600)
    # Any other byte of what is signed, or of the signature, and it is not.
    head, payload, sign = good.split(".")
    for broken in (
        f"{head}.{encoded(claims(email='bob@example.org'))}.{sign}",
        f"{encoded({'alg': algorithm})}.{payload}.{sign}",
        f"{head}.{payload}.{sign[:-4]}{'AAAA' if sign[-4:] != 'AAAA' else 'BBBB'}",
        f"{head}.{payload}.{sign[:-4]}",
    ):
        assert "not signed" in await refusal(broken, check)


async def test_eddsa_with_the_larger_curve() -> None:
    check = check_of(key_set(jwk(ED448)))
    assert (await check.check(token(key=ED448, algorithm="EdDSA"))).user
    assert "not signed" in await refusal(token(key=ED448, algorithm="Ed25519"), check)


# RFC 7515, appendix A.2 and A.3; RFC 8037, appendix A.4.
PAYLOAD = (
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
)
RS256_KEY = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4"
    "QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
    "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8"
    "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "e": "AQAB",
}
RS256 = (
    f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AA"
    "uHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6x"
    "BArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phC"
    "nvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
ES256_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
ES256 = (
    f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmW"
    "QxfKTUJqPP3-Kg6NU1Q"
)
ED25519_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
ED25519 = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQ"
    "R6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


@pytest.mark.parametrize(
    ("vector", "key", "verdict"),
    [
        (RS256, RS256_KEY, "another audience"),
        (ES256, ES256_KEY, "another audience"),
        (ED25519, ED25519_KEY, "no JSON object"),
    ],
)
async def test_the_rfcs_vectors_are_well_signed(
    vector: str, key: dict[str, Any], verdict: str
) -> None:
    """Their payloads are no access tokens: what is wrong is found behind the signature."""
    joe = RULES._replace(issuer="joe")
    assert verdict in await refusal(vector, check_of(key_set(key), rules=joe))
    assert "not signed" in await refusal(vector, check_of(key_set(jwk(RSA), jwk(P256)), rules=joe))


# -- RFC 8725: what goes wrong with JSON Web Tokens


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("sign", ["", b64(b"x"), b64(b"\0" * 256)])
async def test_section_2_1_none_is_no_signature(algorithm: str, sign: str) -> None:
    unsigned = f"{encoded({'alg': algorithm})}.{encoded(claims())}.{sign}"
    assert await refusal(unsigned) in {
        "the token is no signed JSON Web Token",
        (
            f'the token\'s signature is of a kind that is not taken ("{algorithm}", '
            "none of auth.oauth.algorithms)"
        ),
    }


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_section_2_1_a_public_key_is_no_secret_to_sign_with(algorithm: str) -> None:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 -- here only
        Encoding,
        PublicFormat,
    )

    public = RSA.public_key()
    spki, pkcs1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1
    for secret in (
        public.public_bytes(Encoding.PEM, spki),
        public.public_bytes(Encoding.PEM, spki).strip(),
        public.public_bytes(Encoding.DER, spki),
        public.public_bytes(Encoding.PEM, pkcs1),
        json.dumps(jwk(RSA)).encode(),
        b"",
    ):
        forged = token(key=secret, algorithm=algorithm, kid="kid-0")
        assert "not taken" in await refusal(forged)
        # Not even if somebody let the algorithm through, or put a secret among the keys.
        lax = check_of(
            key_set(
                jwk(RSA, kid="kid-0"), {"kty": "oct", "k": b64(secret or b"x"), "kid": "kid-0"}
            ),
            (*ALGORITHMS, algorithm),
        )
        assert "not signed" in await refusal(forged, lax)


async def test_section_3_1_only_the_algorithms_that_were_asked_for() -> None:
    check = check_of(algorithms=("ES256",))
    assert (await check.check(token(key=P256, algorithm="ES256"))).user
    assert "not taken" in await refusal(token(), check)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": jwk(OTHER_RSA)},
        {"jwk": jwk(OTHER_RSA), "kid": "kid-0"},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/certificate"},
        {"x5c": ["MIIB"]},
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"kid": "kid-0"},
        {"kid": ""},
    ],
)
async def test_sections_3_5_and_3_10_keys_and_places_in_a_header_are_not_believed(
    header: dict[str, Any],
) -> None:
    assert "not signed" in await refusal(token(key=OTHER_RSA, **header))


@pytest.mark.parametrize("kind", [..., "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_section_3_11_types_of_access_tokens(kind: Any) -> None:
    assert (await check_of().check(token(typ=kind))).user


@pytest.mark.parametrize(
    "kind",
    [
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "jwt-introspection",
        "token-introspection+jwt",
        "JOSE",
        "",
        None,
        7,
    ],
)
async def test_section_3_11_other_types_are_other_things(kind: Any) -> None:
    assert "something else" in await refusal(token(typ=kind))


@pytest.mark.parametrize(
    "header",
    [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": ["b64"], "b64": True}, {"b64": False}],
)
async def test_rfc_7515_section_4_1_11_an_extension_that_is_not_known(
    header: dict[str, Any],
) -> None:
    assert "extension" in await refusal(token(**header))


async def test_rfc_7515_section_4_other_fields_of_a_header_are_passed_over() -> None:
    assert (await check_of().check(token(nonce="x" * 500, x5t="y", unheard_of={"of": 1}))).user


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "opaque-token",
        f"{token()}.",
        f".{token()}",
        f"{token()}=",
        f"{token()} ",
        token().replace(".", "..", 1),
        f"{token().rpartition('.')[0]}.",
        f"{token().partition('.')[0]}..{token().rpartition('.')[2]}",
        f"é{token()}",
        "A.A.A",
        f"{encoded([])}.{encoded(claims())}.AAAA",
        f"{encoded('alg')}.{encoded(claims())}.AAAA",
        f"{encoded({})}.{encoded(claims())}.AAAA",
        f"{encoded({'alg': ['RS256']})}.{encoded(claims())}.AAAA",
        f"{encoded({'alg': 'RS256', 'kid': 7})}.{encoded(claims())}.AAAA",
        f"{encoded(b'[' * 5000)}.{encoded(claims())}.AAAA",
        f"{encoded(b'{' + b'9' * 5000)}.{encoded(claims())}.AAAA",
    ],
)
async def test_what_is_no_signed_token(text: str) -> None:
    assert await refusal(text)


async def test_an_encrypted_token_is_told_apart() -> None:
    assert "encrypted" in await refusal("eyJhbGciOiJSU0EtT0FFUCJ9.AA.AA.AA.AA")


async def test_a_header_is_bounded() -> None:
    assert (await check_of().check(token(x5c=["x" * (MAX_HEADER // 2)]))).user
    assert "header" in await refusal(token(x5c=["x" * MAX_HEADER]))


@pytest.mark.parametrize("payload", [b"", b"{", b"7", b"[]", b"null", b"\xff", b"[" * 4000])
async def test_a_payload_that_is_no_object(payload: bytes) -> None:
    assert await refusal(token(payload))


async def test_claims_are_judged_behind_the_signature() -> None:
    assert "expired" in await refusal(token(claims(exp=NOW - 1000)))
    assert "not signed" in await refusal(token(claims(exp=NOW - 1000), key=OTHER_RSA))


async def test_a_key_that_came_later_is_asked_for_once() -> None:
    keys = Keys(key_set(jwk(RSA, kid="old")), later=key_set(jwk(OTHER_RSA, kid="new")))
    check = check_of(keys)
    assert (await check.check(token(kid="old"))).user
    assert keys.asked == 0
    assert (await check.check(token(key=OTHER_RSA, kid="new"))).user
    assert keys.asked == 1


async def test_a_key_without_a_name_may_have_been_exchanged() -> None:
    keys = Keys(key_set(jwk(RSA)), later=key_set(jwk(OTHER_RSA)))
    assert (await check_of(keys).check(token(key=OTHER_RSA))).user


@given(st.text(alphabet="eyJhbGciOiJSUzI1NiJ9.-_AQ", max_size=200))
async def test_whatever_comes_is_refused_without_another_error(text: str) -> None:
    await refusal(text)


@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
async def test_whatever_is_inside_is_refused_without_another_error(parts: list[bytes]) -> None:
    await refusal(".".join(b64(part) for part in parts))


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x5c"]),
                       st.sampled_from([None, True, 7, "", "RS256", "JWT", "none", [], ["b64"], {}])))  # fmt: skip
async def test_whatever_a_header_says_only_our_keys_count(header: dict[str, Any]) -> None:
    message = f"{encoded(header)}.{encoded(claims())}"
    forged = f"{message}.{b64(signature('RS256', OTHER_RSA, message.encode()))}"
    await refusal(forged)
