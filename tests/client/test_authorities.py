"""Whom the system trusts: found in the folder, if that is sure to be complete."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme

from pillarbox.client.authorities import FEWEST_HASHED, trust_system
from tests.client.tls_world import connect, server_side, serving

AUTHORITY, IN_BUNDLE = trustme.CA(), trustme.CA()
OPENSSL = shutil.which("openssl")


class System:
    """A system's folder of hashed names and its bundle, which differ so that one can tell."""

    def __init__(self, root: Path, hashed: int) -> None:
        self.folder, self.bundle = root / "certs", root / "bundle.pem"
        self.folder.mkdir()
        self.bundle.write_bytes(IN_BUNDLE.cert_pem.bytes())
        for number in range(hashed - 1):
            (self.folder / f"{number:08x}.0").touch()
        (self.folder / "README.txt").touch()
        self._link()
        self.touch(self.bundle, before=True)

    def _link(self) -> None:
        AUTHORITY.cert_pem.write_to_path(self.folder / "authority.pem")
        file = str(self.folder / "authority.pem")
        command = [OPENSSL or "", "x509", "-noout", "-hash", "-in", file]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        (self.folder / f"{name}.0").symlink_to("authority.pem")

    def touch(self, file: Path, *, before: bool) -> None:
        moment = self.folder.stat().st_mtime + (-100 if before else 100)
        os.utime(file, (moment, moment))

    def paths(self) -> ssl.DefaultVerifyPaths:
        bundle, folder = str(self.bundle), str(self.folder)
        return ssl.DefaultVerifyPaths(bundle, folder, "MY_FILE", bundle, "MY_FOLDER", folder)


def trusting(system: System, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    # What load_default_certs, without any arguments, takes for the bundle.
    monkeypatch.setenv("SSL_CERT_FILE", str(system.bundle))
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_system(context, system.paths())
    return context


async def believes(context: ssl.SSLContext, authority: trustme.CA) -> bool:
    async with serving(server_side(authority.issue_cert("localhost"))) as port:
        try:
            await connect(context, port, "localhost")
        except ssl.SSLCertVerificationError:
            return False
        return True


needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the program openssl is not installed")


@needs_openssl
async def test_of_a_complete_folder_only_what_is_needed_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = trusting(System(tmp_path, FEWEST_HASHED), monkeypatch)
    assert context.cert_store_stats()["x509"] == 0
    assert await believes(context, AUTHORITY)
    assert not await believes(context, trustme.CA())
    assert not await believes(context, IN_BUNDLE)


@needs_openssl
async def test_a_folder_with_few_names_is_not_the_systems_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = trusting(System(tmp_path, FEWEST_HASHED - 1), monkeypatch)
    assert context.cert_store_stats()["x509"] == 1
    assert await believes(context, IN_BUNDLE)


@needs_openssl
async def test_a_bundle_that_somebody_has_added_to_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(tmp_path, FEWEST_HASHED)
    system.touch(system.bundle, before=False)
    assert await believes(trusting(system, monkeypatch), IN_BUNDLE)


@needs_openssl
@pytest.mark.parametrize("variable", ["MY_FILE", "MY_FOLDER"])
async def test_who_has_chosen_others_by_environment_gets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    system = System(tmp_path, FEWEST_HASHED)
    monkeypatch.setenv(variable, str(tmp_path / "other"))
    assert await believes(trusting(system, monkeypatch), IN_BUNDLE)


@needs_openssl
async def test_an_environment_that_names_the_systems_own_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(tmp_path, FEWEST_HASHED)
    link = tmp_path / "link.pem"
    link.symlink_to(system.bundle)
    monkeypatch.setenv("MY_FILE", str(link))
    monkeypatch.setenv("MY_FOLDER", str(system.folder))
    assert await believes(trusting(system, monkeypatch), AUTHORITY)


@needs_openssl
async def test_a_folder_that_cannot_be_read_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(tmp_path, FEWEST_HASHED)
    shutil.rmtree(system.folder)
    assert await believes(trusting(system, monkeypatch), IN_BUNDLE)


def test_what_this_very_system_trusts_can_be_loaded() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust_system(context)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
