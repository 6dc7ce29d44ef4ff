"""What a server says that it can do (RFC 2449, CAPA)."""

from __future__ import annotations

import re
from typing import NamedTuple

_SECONDS = re.compile(r"[0-9]{1,9}")
"""Of 30 years and less; Python refuses to read a number of thousands of digits."""


class Capabilities(NamedTuple):
    """The answer to CAPA; servers answer differently before and after TLS and the sign-in."""

    announced: dict[str, tuple[str, ...]]
    """Keywords in capitals, and their arguments."""
    asked: bool = True
    """False: the server does not know CAPA. Then what is not announced may work all the same."""

    def offers(self, keyword: str) -> bool:
        """Whether *keyword* (in capitals) is announced."""
        return keyword in self.announced

    def may(self, keyword: str) -> bool:
        """Whether *keyword* is worth trying: announced, or the server does not say."""
        return keyword in self.announced or not self.asked

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms, in capitals, in the server's order."""
        return tuple(name.upper() for name in self.announced.get("SASL", ()))

    @property
    def pipelining(self) -> bool:
        """Commands may be sent without waiting (RFC 2449, section 6.6)."""
        return "PIPELINING" in self.announced

    @property
    def implementation(self) -> str:
        """What the server calls itself; empty when it does not say."""
        return " ".join(self.announced.get("IMPLEMENTATION", ()))

    @property
    def login_delay(self) -> int:
        """Seconds between two logins (RFC 2449, section 6.5); 0: no rule."""
        words = self.announced.get("LOGIN-DELAY", ())
        return int(words[0]) if words and _SECONDS.fullmatch(words[0]) else 0


NONE_KNOWN = Capabilities({}, asked=False)
"""Of a server that does not know CAPA."""
