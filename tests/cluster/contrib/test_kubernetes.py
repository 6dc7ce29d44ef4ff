"""The manifests for Kubernetes are valid, and agree with the configuration that they bring along."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pillarbox.app.config import Config
from pillarbox.app.supervisor import STOP_MARGIN_SECONDS
from tests.cluster.contrib.places import (
    KUBERNETES,
    SECRETS,
    checked,
    configuration,
    documents,
    port_of,
    prepare,
    said,
)

FILES = [KUBERNETES / name for name in ("namespace.yaml", "nodes.yaml", "services.yaml")]
DOORS = ("pop3s", "pop3", "lmtp", "http")
GENERATED = ["database-password", "objects-key", "objects-secret", "authority.crt"]


@pytest.fixture(scope="module")
def config() -> Config:
    return configuration(KUBERNETES / "pillarbox.toml")


@pytest.fixture(scope="module")
def kustomization() -> dict[str, Any]:
    text = (KUBERNETES / "kustomization.yaml").read_text()
    return yaml.safe_load(text)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    deployment = documents(KUBERNETES / "nodes.yaml")["Deployment pillarbox"]
    return deployment["spec"]["template"]["spec"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_is_valid(file: Path) -> None:
    assert "passed" in said("kubernetes-validate", "--strict", file)


def test_all_are_named(kustomization: dict[str, Any]) -> None:
    assert [KUBERNETES / name for name in kustomization["resources"]] == FILES


def test_what_is_put_together_is_valid(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    folder = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, folder)
    prepare(folder / "secrets")
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=True
    )
    file = tmp_path / "all.yaml"
    file.write_text(done.stdout)
    assert said("kubernetes-validate", "--strict", file).count("passed") == done.stdout.count(
        "\nkind:"
    )
    found = documents(file)
    (configuration_map,) = (
        x for name, x in found.items() if name.startswith("ConfigMap pillarbox-")
    )
    volumes = found["Deployment pillarbox"]["spec"]["template"]["spec"]["volumes"]
    (named,) = (x["configMap"]["name"] for x in volumes if x["name"] == "configuration")
    assert named == configuration_map["metadata"]["name"]
    assert (
        configuration_map["data"]["pillarbox.toml"] == (KUBERNETES / "pillarbox.toml").read_text()
    )


def test_the_configuration_is_in_order(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "secrets")
    for kind in ("crt", "key"):
        (folder / f"tls.{kind}").write_bytes((folder / f"certificate.{kind}").read_bytes())
    assert checked(KUBERNETES / "pillarbox.toml", folder).startswith("fine: ")


def test_a_node_has_the_files_that_its_configuration_names(
    config: Config, pod: dict[str, Any], kustomization: dict[str, Any]
) -> None:
    (secrets,) = kustomization["secretGenerator"]
    assert [Path(file).name for file in secrets["files"]] == GENERATED
    (generated,) = kustomization["configMapGenerator"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["configuration"]["configMap"]["name"] == generated["name"]
    assert volumes["secrets"]["secret"]["secretName"] == secrets["name"]
    mounted = {mount["name"]: Path(mount["mountPath"]) for mount in _mounts(pod)}
    assert mounted["configuration"] / generated["files"][0] == Path("/etc/pillarbox/pillarbox.toml")
    assert mounted["counters"] == config.store.path
    assert mounted["secrets"] == SECRETS / "pillarbox"
    text = (KUBERNETES / "pillarbox.toml").read_text()
    named = set(map(Path, re.findall(r"/run/secrets/[\w./-]+", text)))
    have = {mounted["secrets"] / name for name in GENERATED}
    assert named == have | {mounted["certificate"] / name for name in ("tls.crt", "tls.key")}


def _mounts(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """The same for both containers."""
    (first,), (second,) = pod["initContainers"], pod["containers"]
    assert first["volumeMounts"] == second["volumeMounts"]
    return second["volumeMounts"]  # type: ignore[no-any-return]


def test_all_doors_lead_somewhere(config: Config, pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {door: port_of(getattr(config.listen, door)) for door in DOORS}
    for service in ("Service pop3", "Service lmtp"):
        for port in documents(KUBERNETES / "services.yaml")[service]["spec"]["ports"]:
            assert port["targetPort"] in ports
    policy = documents(KUBERNETES / "services.yaml")["NetworkPolicy pillarbox"]["spec"]
    opened = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert opened == list(DOORS)


def test_all_parts_are_of_the_same_nodes() -> None:
    nodes, services = (documents(KUBERNETES / name) for name in ("nodes.yaml", "services.yaml"))
    labels = nodes["Deployment pillarbox"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        nodes["Deployment pillarbox"]["spec"]["selector"]["matchLabels"],
        nodes["PodDisruptionBudget pillarbox"]["spec"]["selector"]["matchLabels"],
        services["Service pop3"]["spec"]["selector"],
        services["Service lmtp"]["spec"]["selector"],
        services["NetworkPolicy pillarbox"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert selectors == [labels] * len(selectors)


def test_a_node_has_time_to_stop(config: Config, pod: dict[str, Any]) -> None:
    wanted = config.limits.stop_delay + config.limits.stop_grace + STOP_MARGIN_SECONDS
    assert pod["terminationGracePeriodSeconds"] > wanted


def test_it_is_asked_whether_it_is_ready_and_alive(pod: dict[str, Any]) -> None:
    (container,) = pod["containers"]
    for probe, path in (("readinessProbe", "/ready"), ("livenessProbe", "/live")):
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}


def test_containers_may_do_nothing_but_their_work(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsUser"] == 8110
    for container in pod["initContainers"] + pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
