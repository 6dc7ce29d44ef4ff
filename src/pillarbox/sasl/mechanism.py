"""What every mechanism has in common, on either side.

The two sides are stepped alike, each with what the other one said. On the client::

    mechanism = choose(...)                     # pillarbox.sasl.client
    if mechanism.client_first:                  # else AUTH carries no initial response
        send("AUTH", mechanism.name, mechanism.step(None))
    while (challenge := heard()) is a challenge:
        send(mechanism.step(challenge))
    signed_in = heard_ok and mechanism.done

A server that cannot take an initial response, or one that is too long for its line (RFC
5034, section 4), is sent ``AUTH`` alone; its empty challenge is then stepped with instead of
None. That works for every mechanism. Whether the initial response was asked for, came
unasked, or came unasked and was ignored by the server, is the mechanism's own business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from pillarbox.sasl.claims import Claim, ScramKeys
from pillarbox.sasl.surroundings import Surroundings


class SaslError(Exception):
    """The exchange has failed; the text holds no secret and is fit for the peer and for users.

    On the server: the client's response breaks the mechanism's grammar. On the client: the
    server's challenge does, or it did not prove what it has to, or the credentials cannot be
    expressed in the mechanism.
    """


class ExchangeRefused(SaslError):
    """The server refuses before anything is checked, for a reason that the mechanism has a word for.

    The word is sent as a challenge; whatever the client answers, the refusal follows.
    """

    def __init__(self, text: str, *, reason: str, last_word: bytes, name: str = "") -> None:
        super().__init__(text)
        self.reason = reason
        """For the log: the error's name in the mechanism's specification."""
        self.last_word = last_word
        self.name = name
        """Whom the client wants to be, if it has said so."""


class Challenge(NamedTuple):
    """Send this and step again with the client's response."""

    data: bytes


class KeysWanted(NamedTuple):
    """SCRAM needs the keys of this user; give them to :meth:`ServerMechanism.go_on`."""

    name: str
    hash_name: str
    """``sha1`` or ``sha256``."""


class Finished(NamedTuple):
    """The exchange is over, and all that was to be said behind the verdict has been."""


class ServerMechanism(ABC):
    """One exchange, on the server::

    step = mechanism.step(initial response or None)
    Challenge:  send it, and step with the client's response
    KeysWanted: step = mechanism.go_on(keys)
    a Claim:    have it checked, and say the verdict:
        mechanism.accepted()  None: that is all; a Challenge: send it, and step with the
                              client's response; the client has signed in when Finished
        mechanism.refused()   None: that is all; a Challenge: send it, and refuse, whatever
                              the client responds
    """

    __slots__ = ("_surroundings",)

    name: ClassVar[str]
    """As registered with IANA and announced by CAPA."""
    client_first: ClassVar[bool]
    """The client speaks first, so AUTH may carry an initial response (RFC 4422, section 5)."""
    plaintext: ClassVar[bool]
    """What proves the identity crosses the wire, for whoever hears it to use: only under TLS."""

    def __init__(self, surroundings: Surroundings) -> None:
        """Begin an exchange in these *surroundings*."""
        self._surroundings = surroundings

    @classmethod
    def possible(cls, surroundings: Surroundings) -> bool:
        """Whether anybody could sign in by it in these *surroundings*: else it is not offered.

        What counts of the connection is only whether it has bindings and identities at all.
        """
        del surroundings
        return True

    @abstractmethod
    def step(self, response: bytes | None) -> Challenge | KeysWanted | Claim | Finished:
        """Take the client's response: None at the start when there is no initial one.

        Raises:
            SaslError: the response is malformed; the exchange has failed.
            ExchangeRefused: it is refused by the mechanism's own rules.
        """

    def go_on(self, keys: ScramKeys) -> Challenge:
        """Go on with the keys that were wanted."""
        raise NotImplementedError(f"{self.name} wants no keys")

    def accepted(self) -> Challenge | None:
        """The claim is true. SCRAM proves now that the server is who it says."""
        return None

    def refused(self) -> Challenge | None:
        """The claim is not true. OAUTHBEARER says why (RFC 7628, section 3.2.2)."""
        return None


class Credentials(NamedTuple):
    """Who wants to sign in, and with what."""

    name: str
    """The authentication identity. Surrogate escapes stand for octets that are not UTF-8."""
    password: str | None = None
    token: str | None = None
    """An OAuth 2 access token."""
    authorize_as: str = ""
    """The identity to act for; empty: one's own."""

    def __repr__(self) -> str:
        """Without the secrets: a repr ends up in a log sooner or later."""
        return f"Credentials({self.name!r})"


class ClientMechanism(ABC):
    """One exchange, on the client."""

    __slots__ = ("done", "reason")

    name: ClassVar[str]
    """As registered with IANA and announced by CAPA."""
    client_first: ClassVar[bool]
    """The client speaks first, so AUTH may carry an initial response (RFC 4422, section 5)."""
    plaintext: ClassVar[bool]
    """What proves the identity crosses the wire, for whoever hears it to use: only under TLS."""

    def __init__(self) -> None:
        self.done = False
        """All has been said, and the server has proved what the mechanism wants it to. A
        success that comes before is none: whoever sent it need not know the password."""
        self.reason = ""
        """Why the server is about to refuse, if the mechanism was told: a clause to put behind
        the server's own words. Known only after the step that heard of it."""

    @abstractmethod
    def step(self, challenge: bytes | None) -> bytes:
        """The response to *challenge*; None: to nothing, for an initial response.

        It may compute for up to a second (SCRAM with many iterations).

        Raises:
            SaslError: see there. The exchange is to be cancelled and the session ended.
        """


class ClientFirst(ClientMechanism):
    """A mechanism in which the client speaks first."""

    __slots__ = ("_initial", "_unasked")

    client_first: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._initial: bytes | None = None
        self._unasked = False

    def step(self, challenge: bytes | None) -> bytes:
        if self._initial is None:
            # What an asking server says is nothing (RFC 4422, section 3), and if it is more
            # than nothing it changes nothing.
            self._initial = self._first()
            self._unasked = challenge is None
            return self._initial
        ignored = self._unasked and not challenge  # some servers do, and ask for it
        self._unasked = False
        return self._initial if ignored else self._answer(challenge or b"")

    @abstractmethod
    def _first(self) -> bytes:
        """The initial response; called once.

        Raises:
            SaslError: the credentials cannot be expressed.
        """

    def _answer(self, challenge: bytes) -> bytes:
        """The response to a challenge behind the initial response.

        Raises:
            SaslError: it is malformed, or out of place.
        """
        del challenge
        raise out_of_place(self.name)


def out_of_place(name: str) -> SaslError:
    """For a challenge in an exchange of the mechanism *name* that has come to its end."""
    return SaslError(f"the server asks for more than {name} has to say")


def malformed(name: str) -> SaslError:
    """For a client's response that breaks the grammar of the mechanism *name*."""
    return SaslError(f"that is no response of {name}")


def decode(octets: bytes) -> str:
    """A name or password as text; octets that are not UTF-8 become surrogate escapes."""
    return octets.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The octets of a name or password: the reverse of :func:`decode`.

    Raises:
        SaslError: it has surrogates that stand for no octets.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # "from None": the error holds the text, which may be a password.
        raise SaslError("the name or the password is not text") from None


def password_of(credentials: Credentials) -> str:
    """The password, which the mechanism cannot do without.

    Raises:
        SaslError: there is none, or an empty one.
    """
    if not credentials.password:
        raise SaslError("a password is needed")
    return credentials.password
