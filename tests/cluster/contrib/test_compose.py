"""The compose file, and what it starts, agree with each other and with the configuration."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pillarbox.app.config import Config
from pillarbox.app.supervisor import STOP_MARGIN_SECONDS
from tests.cluster.contrib.places import (
    CONTRIB,
    ROOT,
    SECRETS,
    checked,
    compose,
    configuration,
    port_of,
    prepare,
    said,
)

FILE = CONTRIB / "compose.yaml"
NODES = "node1", "node2", "node3"
HAPROXY = (CONTRIB / "haproxy.cfg").read_text()
CONTAINERFILE = (CONTRIB / "Containerfile").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return compose()["services"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def config() -> Config:
    return configuration(CONTRIB / "pillarbox.toml")


def test_it_is_what_compose_tools_accept() -> None:
    assert "ok" in said("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_all_that_is_named_is_there(services: dict[str, Any]) -> None:
    file = compose()
    for name, service in services.items():
        assert set(service["networks"]) <= set(file["networks"]), name
        for kind in ("secrets", "configs"):
            named = {x if isinstance(x, str) else x["source"] for x in service.get(kind, ())}
            assert named <= set(file[kind]), name
        assert set(service.get("depends_on", ())) <= set(services), name
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert set(volumes) <= set(file["volumes"]), name
    assert all((CONTRIB / config["file"]).is_file() for config in file["configs"].values())


def test_prepare_makes_all_secrets_once(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "secrets")
    wanted = {Path(secret["file"]).name for secret in compose()["secrets"].values()}
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert wanted <= set(made)
    assert folder.stat().st_mode & 0o077 == 0
    prepare(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
    assert tomllib.loads(made["filer.toml"].decode())["postgres2"]["enabled"]


def test_the_configuration_is_in_order(tmp_path: Path) -> None:
    """No fault, and no warning: what crosses a network is encrypted, and for whom it should be."""
    said_of_it = checked(CONTRIB / "pillarbox.toml", prepare(tmp_path / "secrets"))
    assert said_of_it.startswith("fine: ")


def test_a_node_has_the_files_that_its_configuration_names(
    services: dict[str, Any], config: Config
) -> None:
    named = {path.name for path in _named_files(config) if path.parent == SECRETS}
    assert named == set(services["node1"]["secrets"])
    (place,) = services["node1"]["tmpfs"]
    assert place.startswith(f"{config.store.path}:")


def test_what_a_node_asks_is_there(services: dict[str, Any], config: Config) -> None:
    hosts = urlsplit(config.store.database or "").netloc.rpartition("@")[2].split(",")
    objects = urlsplit(config.store_s3.endpoint or "")
    for host in [*hosts, str(objects.hostname)]:
        assert "back" in services[host]["networks"]
    assert f"-s3.port={objects.port}" in services["objects"]["command"]
    bucket = urlsplit(config.store.objects or "").hostname
    assert f"s3.bucket.create -name {bucket}" in str(services["bucket"]["entrypoint"])
    assert f"-locationPrefix=/buckets/{bucket}/" in str(services["bucket"]["entrypoint"])


def test_the_balancer_finds_the_doors_of_all_nodes(
    services: dict[str, Any], config: Config
) -> None:
    published = {port.rpartition(":")[2] for port in services["balancer"]["ports"]}
    for door in ("pop3s", "pop3", "lmtp"):
        port = port_of(getattr(config.listen, door))
        (section,) = re.findall(rf"^listen {door}\n((?:    .*\n)+)", HAPROXY, re.MULTILINE)
        assert f"bind :{port}\n" in section
        assert str(port) in published
        servers = re.findall(r"^    server (\w+) (\w+):(\d+)(.*)$", section, re.MULTILINE)
        assert [server[:3] for server in servers] == [(name, name, str(port)) for name in NODES]
        for *_, options in servers:
            assert ("send-proxy-v2" in options) == (door in config.listen.proxy_doors)
    assert f"check port {port_of(config.listen.http)} " in HAPROXY
    (subnet,) = compose()["networks"]["front"]["ipam"]["config"]
    assert [str(network) for network in config.listen.proxy_from] == [subnet["subnet"]]
    for name in ("balancer", *NODES):
        assert "front" in services[name]["networks"]


def test_the_balancer_waits_longer_than_the_nodes(config: Config) -> None:
    for side in ("client", "server"):
        (minutes,) = re.findall(rf"timeout {side} (\d+)m", HAPROXY)
        assert int(minutes) * 60 > config.limits.idle_timeout
    ((seconds, fall),) = re.findall(r"inter (\d+)s fall (\d+)", HAPROXY)
    (check,) = re.findall(r"timeout check (\d+)s", HAPROXY)
    assert int(seconds) * int(fall) + int(check) <= config.limits.stop_delay


def test_the_balancers_configuration_is_valid() -> None:
    haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/bin")
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    command = [haproxy, "-c", "-f", str(CONTRIB / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_are_files_for_all_connections(services: dict[str, Any], config: Config) -> None:
    (most,) = re.findall(r"maxconn (\d+)", HAPROXY)
    assert services["balancer"]["ulimits"]["nofile"] > 2 * int(most)
    assert services["node1"]["ulimits"]["nofile"] > config.limits.connections


def test_a_node_has_time_to_stop(services: dict[str, Any], config: Config) -> None:
    wanted = config.limits.stop_delay + config.limits.stop_grace + STOP_MARGIN_SECONDS
    for name in NODES:
        assert int(services[name]["stop_grace_period"].removesuffix("s")) > wanted


def test_nobody_is_root_or_can_become_it(services: dict[str, Any]) -> None:
    assert "USER 8110:8110" in CONTAINERFILE
    assert "uid=8110,gid=8110" in services["node1"]["tmpfs"][0]
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_containerfile_is_in_order() -> None:
    assert said("hadolint", CONTRIB / "Containerfile") == ""


def test_the_containerfile_copies_all_that_is_built_of() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {"pyproject.toml", project["project"]["readme"], "LICENSE", "src"}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    assert {word for line in copied for word in line.split()} == needed
    assert '"/source[cluster]"' in CONTAINERFILE
    assert "cluster" in project["project"]["optional-dependencies"]


def _named_files(config: Config) -> list[Path]:
    database = re.findall(r"sslrootcert=([^&]+)", config.store.database or "")
    found = [config.store.database_password_file, config.tls.certificate, config.tls.key]
    s3 = config.store_s3
    found += [s3.access_key_file, s3.secret_key_file, s3.ca, *map(Path, database)]
    return [path for path in found if path is not None]
