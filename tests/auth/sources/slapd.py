"""OpenLDAP's server, as Debian packages it, with a directory of its own in a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.postoffice import HOST
from tests.realservers.server import (
    open_folder,
    running,
    wait_until_it_listens,
    write_certificate,
)

PROGRAM = Path("/usr/sbin/slapd")
_MODULES = Path("/usr/lib/ldap")
_SCHEMAS = Path("/etc/ldap/schema")

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
SERVICE = f"cn=pillarbox,{SUFFIX}"
SERVICE_PASSWORD = "the service's own"
ADMIN = f"cn=admin,{SUFFIX}"
ADMIN_PASSWORD = "the administrator's"
UNCERTIFIED = "127.0.0.2"
"""It listens here, too, and its certificate does not say so."""

_CONFIGURATION = """\
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'mailQuota' EQUALITY caseIgnoreMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'nsAccountLock' EQUALITY caseIgnoreMatch
    SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailUser' SUP top AUXILIARY
    MAY ( mailQuota $ nsAccountLock ) )
modulepath {modules}
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.pem
TLSCACertificateFile {folder}/authority.pem
{globally}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/data
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{suffix}" by dn.exact="{service}" read {others}
"""
_TREE = f"""\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {SERVICE}
objectClass: person
cn: pillarbox
sn: Pillarbox
userPassword: {SERVICE_PASSWORD}
"""


def entry(user: str, password: str, *more: str) -> str:
    """A person, as LDIF."""
    lines = [
        f"dn: uid={user},{PEOPLE}",
        "objectClass: inetOrgPerson",
        "objectClass: mailUser",
        f"uid: {user}",
        f"cn: {user}",
        "sn: Somebody",
        f"userPassword: {password}",
        *more,
    ]
    return "\n".join(lines) + "\n"


class Slapd:
    """A directory that can be stopped and started."""

    def __init__(self, folder: Path, *, globally: str = "", others: str = "") -> None:
        self.folder = folder
        self.port, self.secure_port = free_port(), free_port()
        self.authority = write_certificate(folder / "server.pem")
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(
            _CONFIGURATION.format(
                schemas=_SCHEMAS,
                modules=_MODULES,
                folder=folder,
                globally=globally,
                suffix=SUFFIX,
                admin=ADMIN,
                password=ADMIN_PASSWORD,
                service=SERVICE,
                others=others,
            )
        )
        self._running = ExitStack()

    @property
    def url(self) -> str:
        return f"ldap://{HOST}:{self.port}"  # "localhost" is the machine's name to libldap

    @property
    def secure_url(self) -> str:
        return f"ldaps://{HOST}:{self.secure_port}"

    @property
    def socket_url(self) -> str:
        return "ldapi://" + str(self.folder / "ldapi").replace("/", "%2F")

    def fill(self, *entries: str) -> None:
        """Put them into the tree, while it is stopped."""
        subprocess.run(
            [PROGRAM, "-T", "add", "-f", self.folder / "slapd.conf"],
            input="\n".join([_TREE, *entries]).encode(),
            check=True,
            capture_output=True,
        )

    def modify(self, ldif: str) -> None:
        """Change it as the administrator."""
        subprocess.run(
            ["ldapmodify", "-x", "-H", self.socket_url, "-D", ADMIN, "-w", ADMIN_PASSWORD],
            input=ldif.encode(),
            check=True,
            capture_output=True,
        )

    def start(self) -> None:
        urls = f"{self.url} {self.secure_url} ldaps://{UNCERTIFIED}:{self.secure_port} {self.socket_url}"
        command = [str(PROGRAM), "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"]
        log = self.folder / "log"
        process = self._running.enter_context(running(command, log))
        wait_until_it_listens(process, (HOST, self.port), log)
        wait_until_it_listens(process, (HOST, self.secure_port), log)
        wait_until_it_listens(process, str(self.folder / "ldapi"), log)

    def stop(self) -> None:
        self._running.close()


def skip_without() -> None:
    """Skip the test where there is no slapd, or no library to speak with it."""
    if not (PROGRAM.exists() and os.access("/usr/bin/ldapmodify", os.X_OK)):
        pytest.skip("slapd is not installed on this machine: see scripts/system-packages")
    pytest.importorskip("ldap", reason="python-ldap is not installed: pip install pillarbox[ldap]")


@contextmanager
def slapd(*entries: str, globally: str = "", others: str = "") -> Iterator[Slapd]:
    """A directory with these people; *others* is what anybody but the service may do."""
    with open_folder() as folder:
        server = Slapd(folder, globally=globally, others=others)
        server.fill(*entries)
        server.start()
        try:
            yield server
        finally:
            server.stop()
