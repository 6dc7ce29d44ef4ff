"""Whom the system trusts, at a price that a poll can pay.

To read the system's bundle of certificate authorities takes 20 ms of CPU (OpenSSL 3.0, 140
authorities), a third of what starting Python takes, and of all of them one is needed. Most
systems keep the same certificates in a folder as well, one a file and named by its hash, of
which OpenSSL reads the one that it needs, when it needs it: 0.1 ms. So that folder is used,
if it is sure to be complete.
"""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

FEWEST_HASHED = 50
"""A folder with fewer hashed names is somebody's own, beside a bundle. The lists that systems
come with have more than a hundred authorities."""

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def trust_system(context: ssl.SSLContext, paths: ssl.DefaultVerifyPaths | None = None) -> None:
    """Make *context* trust the authorities that the system trusts.

    Args:
        context: a client's.
        paths: where they are; None asks OpenSSL.
    """
    paths = paths or ssl.get_default_verify_paths()
    if paths.capath and not _others_chosen(paths) and _complete(Path(paths.capath), paths.cafile):
        context.load_verify_locations(capath=paths.capath)
    else:
        context.load_default_certs()


def _others_chosen(paths: ssl.DefaultVerifyPaths) -> bool:
    """Whether the environment names another bundle or folder than the system's own."""
    for variable, usual in (
        (paths.openssl_cafile_env, paths.openssl_cafile),
        (paths.openssl_capath_env, paths.openssl_capath),
    ):
        chosen = os.environ.get(variable)
        if chosen is not None and os.path.realpath(chosen) != os.path.realpath(usual):
            return True
    return False


def _complete(folder: Path, bundle: str | None) -> bool:
    """Whether *folder* holds all that *bundle* does.

    A bundle that somebody has added to by hand is younger than the folder.
    """
    try:
        if bundle and Path(bundle).stat().st_mtime > folder.stat().st_mtime:
            return False
        names = os.listdir(folder)  # noqa: PTH208 -- only names, at a tenth of the cost
    except OSError:
        return False
    return sum(map(bool, map(_HASHED.fullmatch, names))) >= FEWEST_HASHED
