"""Errors of other parts, as a page says them.

They are sentences already, or nearly. Their hints name options of ``pillarbox fetch``, which nobody can give on a
page: a table rewords them.
"""

from __future__ import annotations

import re

_NEITHER = "If it has neither, it is not safe to use: your password would go in the clear"
_PORTS = "Check port and protection: “TLS from the start” is usually at port 995, “STLS” at 110."

_LATER = re.compile(r"try again later, or with a longer --timeout")

# fmt: off
_HINTS = tuple((re.compile(pattern), instead) for pattern, instead in (
    # What only a command line can do is left out, or said as the page's way.
    (_LATER.pattern, "it is tried again by itself"),
    (r", or give it more time with --timeout", ""),
    (r", or name another one with --state", ""),
    (r"[;,] look with --dry-run, and say --yes to delete them", ""),
    (r"(sign in again): pillarbox fetch login .+", r"\1"),
    (r"with `pillarbox --debug fetch …`", "with `pillarbox --debug read`"),
    (r"what `pillarbox --debug fetch …` shows", "what `pillarbox --debug read` shows"),
    (r"give one with --password-stdin or --password-command, or put it into the keyring", "enter it"),
    (r"leave it out, and use --password-stdin, --password-command or the keyring",
     "leave it out, and enter the password by itself"),
    (r"give the authority's certificate with --ca FILE", "name the file of the authority's certificate"),
    (r"pin it with --fingerprint (\S+)", r"enter it as the one to trust: \1"),
    (r"demands TLS, but --insecure-cleartext is given", "demands TLS, but insecure_cleartext is set"),
    (r"\(--client-cert\)", "(client_cert in the configuration file)"),
    (r"give one with --client-cert FILE", "name its file as client_cert in the configuration file"),
    (r"that --client-cert names", "that client_cert in the configuration file names"),
    # A page has servers and their protection, and no URLs.
    (r"refuses TLS by STLS: it said (.*); nothing secret was sent; try pop3s://, or let its operator set up TLS",
     rf"refuses STLS: it said \1; nothing secret was sent. Choose “TLS from the start” as its protection. {_NEITHER}"),
    (r"does not speak TLS there; with STLS the URL begins .* pop3s:// \(port 995\)",
     f"does not speak TLS there; nothing secret was sent. {_PORTS} {_NEITHER}"),
    (r"put that into the URL", "enter that as the server"),
    (r"with --auth", "as auth in the configuration file"),
))
# fmt: on


def reworded(text: str, *, by_itself: bool = True) -> str:
    """*text*, without options of a command line. *by_itself*: what has failed will be tried again, without anybody's doing."""
    if not by_itself:
        text = _LATER.sub("try again later", text)
    for pattern, instead in _HINTS:
        text = pattern.sub(instead, text)
    return text


def shown(text: str) -> str:
    """*text* in which a file's name may stand: that may be no UTF-8, which no page can be, or have several lines."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def as_sentence(text: str) -> str:
    """*text*, beginning with a capital letter (unless it begins with a name) and ending with a full stop."""
    text = text.strip()
    first = text.split(" ", 1)[0]
    if first.isalpha():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."
