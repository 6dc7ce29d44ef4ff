"""The system's users by PAM. The cases are in ``pam_cases.py``; here is the world around them.

They run in a process of their own, in a mount namespace in which files of the test lie over
those in ``/etc`` that say who there is, and over ``/etc/pam.d``. Nobody else sees any of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from passlib.hash import sha512_crypt

from tests.auth.sources.contract import OTHER, OTHER_PASSWORD, PASSWORD

ROOT = Path(__file__).parents[3]

NUMBERS = {
    "root": 0,
    "backup": 34,
    "alice": 1000,
    OTHER: 1001,
    "open": 1002,
    "expired": 1003,
    "stale": 1004,
    "locked": 1005,
    "later": 2000,
    "made-up": 61_200,
    "nobody": 65_534,
    "domain": 1_500_000_000,
}


def hashed(password: str) -> str:
    done: str = sha512_crypt.using(rounds=1000).hash(password)
    return done


def write_system(folder: Path) -> None:
    """What lies over the system's files."""
    right = hashed(PASSWORD)
    secrets = {
        # password, last change, …, expiry: days since 1970 (shadow(5))
        OTHER: f"{hashed(OTHER_PASSWORD)}:19000:0:99999:7:::",
        "open": ":19000:0:99999:7:::",
        "expired": f"{right}:19000:0:99999:7::19100:",
        "stale": f"{right}:0:0:99999:7:::",
        "locked": f"!{right}:19000:0:99999:7:::",
    }
    usual = f"{right}:19000:0:99999:7:::"
    people = "".join(f"{name}:x:{n}:{n}::/:/bin/false\n" for name, n in NUMBERS.items())
    shadow = "".join(f"{name}:{secrets.get(name, usual)}\n" for name in NUMBERS)
    group = "".join(f"{name}:x:{n}:\n" for name, n in NUMBERS.items())
    for name, text in (("passwd", people), ("shadow", shadow), ("group", group)):
        (folder / name).write_text(text)
    (folder / "pam.d").mkdir()
    (folder / "pam.d" / "other").write_text("auth required pam_deny.so\n")


def in_namespace(folder: Path) -> list[str]:
    """What to put in front of a command."""
    over = ("passwd", "shadow", "group", "pam.d")
    mounts = " && ".join(f"mount --bind {folder}/{name} /etc/{name}" for name in over)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *user, "sh", "-c", f'{mounts} && exec "$@"', "sh"]


def test_pam(tmp_path: Path) -> None:
    pytest.importorskip("pam", reason="python-pam is not installed: pip install pillarbox[pam]")
    matrix = next(iter(Path("/usr/lib").glob("*-linux-gnu/pam_wrapper/pam_matrix.so")), None)
    if matrix is None:
        pytest.skip("libpam-wrapper is not installed: see scripts/system-packages")
    write_system(tmp_path)
    namespace = in_namespace(tmp_path)
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no mount namespace, or has no unshare")
    cases = Path(__file__).with_name("pam_cases.py")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [*namespace, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(cases)],
        env={**environment, "PILLARBOX_TESTS_PAM_MATRIX": str(matrix)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
