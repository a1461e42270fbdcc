"""What ``deploy/`` has for clusters: each part fits the others, and gives no more than is needed.

The manifests were checked once against the schemas of KubeRay 1.7 as well, pods included.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.source_tree import ROOT

from drybox.cli.server.serve import serve
from drybox.config.loader import read_environment

pytestmark = pytest.mark.promise("DEP-4")

UNITS = ROOT / "deploy/ray/systemd"
MANIFESTS = {
    path.name: list(yaml.safe_load_all(path.read_text()))
    for path in (ROOT / "deploy/ray/kuberay.yaml", ROOT / "deploy/kubernetes/drybox.yaml")
}
Document = dict[str, Any]


def pods() -> dict[str, Document]:
    """Every pod's template, by a name of its own."""
    (server,) = of_kind("drybox.yaml", "Deployment")
    (fleet,) = of_kind("kuberay.yaml", "RayCluster")
    found = {"server": server["spec"]["template"]}
    found["head"] = fleet["spec"]["headGroupSpec"]["template"]
    for group in fleet["spec"]["workerGroupSpecs"]:
        found[group["groupName"]] = group["template"]
    return found


def of_kind(name: str, kind: str) -> list[Document]:
    return [document for document in MANIFESTS[name] if document["kind"] == kind]


def containers(pod: Document) -> list[Document]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


each_pod = pytest.mark.parametrize("pod", pods().values(), ids=pods())


@each_pod
def test_a_pod_has_no_rights_that_sandboxes_do_not_need(pod: Document) -> None:
    spec = pod["spec"]
    assert spec["hostUsers"] is False
    assert spec["automountServiceAccountToken"] is False
    # Variables of a Service called drybox would be taken for settings, and refused.
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert all({"emptyDir", "secret"} & volume.keys() for volume in spec["volumes"])
    for container in containers(pod):
        given = container["securityContext"]
        assert given["privileged"] is given["allowPrivilegeEscalation"] is False
        assert given["readOnlyRootFilesystem"] is True
        assert given["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}
    unmasked = [item["name"] for item in containers(pod) if "procMount" in item["securityContext"]]
    assert len(unmasked) == 1, "only what starts sandboxes needs it"


@each_pod
def test_what_a_container_names_is_there(pod: Document) -> None:
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    used: set[str] = set()
    for container in containers(pod):
        used |= {mount["name"] for mount in container["volumeMounts"]}
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("livenessProbe", "readinessProbe"):
            if probe in container:
                assert container[probe]["httpGet"]["port"] in ports
    assert used <= volumes


@each_pod
def test_settings_and_arguments_are_drybox_s(pod: Document) -> None:
    for container in containers(pod):
        environ = {item["name"]: item.get("value", "") for item in container.get("env", [])}
        read_environment(environ)
        words = container.get("args", []) if "command" not in container else container["command"]
        if "serve" in words:
            check_serve(words[words.index("serve") + 1 :])


def check_serve(words: list[str]) -> None:
    """That ``drybox serve`` takes these arguments."""
    serve.make_context("serve", list(words))


def test_services_lead_to_pods_and_policies_hold_for_them() -> None:
    labels = {name: dict(pod["metadata"]["labels"]) for name, pod in pods().items()}
    labels["nodes"]["ray.io/node-type"] = "worker"  # KubeRay says so
    for name, chosen in (("drybox.yaml", {"server"}), ("kuberay.yaml", {"nodes"})):
        (service,) = of_kind(name, "Service")
        wanted = service["spec"]["selector"].items()
        assert {pod for pod, has in labels.items() if wanted <= has.items()} == chosen
        ports = {
            port["name"]
            for pod in chosen
            for container in containers(pods()[pod])
            for port in container.get("ports", [])
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
        (policy,) = of_kind(name, "NetworkPolicy")
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
        held = policy["spec"]["podSelector"]["matchLabels"].items()
        assert {pod for pod, has in labels.items() if held <= has.items()} >= chosen


def test_rays_ports_are_the_fleets_own() -> None:
    (policy,) = of_kind("kuberay.yaml", "NetworkPolicy")
    own = [{"podSelector": policy["spec"]["podSelector"]}]
    for rule in (*policy["spec"]["ingress"], *policy["spec"]["egress"]):
        peers = rule.get("from") or rule.get("to")
        assert peers == own or {port["port"] for port in rule["ports"]} in ({8080}, {53})


def test_ray_asks_for_a_token_and_speaks_tls() -> None:
    (cluster,) = of_kind("kuberay.yaml", "RayCluster")
    assert cluster["spec"]["authOptions"]["mode"] == "token"
    for name in ("head", "nodes"):
        for container in pods()[name]["spec"]["containers"]:
            environ = {item["name"]: item.get("value") for item in container["env"]}
            assert environ["RAY_USE_TLS"] == "1"
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            files = [
                environ[f"RAY_TLS_{what}"] for what in ("SERVER_CERT", "SERVER_KEY", "CA_CERT")
            ]
            assert {os.path.dirname(str(file)) for file in files} <= mounted
    (front,) = (item for item in pods()["nodes"]["spec"]["containers"] if item["name"] == "drybox")
    assert "RAY_AUTH_TOKEN" in {item["name"] for item in front["env"]}
    for name in ("drybox-ray", "drybox-fleet"):
        text = (UNITS / f"{name}.service").read_text()
        assert "RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=%d/token" in text
        assert "RAY_USE_TLS=1" in text
        assert set(re.findall(r"=%d/(\S+)", text)) == set(
            re.findall(r"LoadCredential=(\S+?):", text)
        )


def ray_options() -> set[str]:
    """What ``ray start`` takes."""
    words = [sys.executable, "-m", "ray.scripts.scripts", "start", "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=250).stdout
    return set(re.findall(r"^ +(--[a-z-]+)", said, re.MULTILINE))


def test_ray_takes_what_it_is_started_with() -> None:
    pytest.importorskip("ray", reason="Ray is not installed beside every Python")
    (cluster,) = of_kind("kuberay.yaml", "RayCluster")
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    given = {f"--{word}" for group in groups for word in group["rayStartParams"]}
    for name in ("drybox-ray.service", "ray.env", "start-ray"):
        text = (UNITS / name).read_text()
        given |= set(re.findall(r"(?<=[\s=])--[a-z-]+", text.partition("[Unit]")[2] or text))
    given -= {"--no-create-home", "--home-dir"}
    assert given <= ray_options(), given - ray_options()
    assert "--node-ip-address" in given


def test_the_units_read_what_the_file_of_the_machine_says() -> None:
    said = set(re.findall(r"^(?:# )?([A-Z_]+)=", (UNITS / "ray.env").read_text(), re.MULTILINE))
    used: set[str] = set()
    for unit in UNITS.glob("*.service"):
        for line in commands(unit.read_text()):
            used |= set(re.findall(r"\$\{?([A-Z_]+)", line))
            if " serve " in line:
                check_serve(re.sub(r"\$\{\w+\}", "h:1", line).split(" serve ")[1].split())
    assert used == said


def commands(text: str) -> Iterator[str]:
    """The commands of a unit, each in a line."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("ExecStart="):
            yield line.removeprefix("ExecStart=")


def test_ray_starts_in_a_leaf_of_its_unit(tmp_path: Path) -> None:
    text = (UNITS / "start-ray").read_text()
    ray = tmp_path / "ray"
    ray.write_text('#!/bin/sh\necho "$$ $*"\n')
    ray.chmod(0o755)
    script = tmp_path / "start-ray"
    script.write_text(text.replace("/opt/drybox/bin/ray", str(ray)))
    mounted = tmp_path / "cgroup"
    done = subprocess.run(
        ["/bin/sh", str(script), "--head", "--port=1"],
        env={"CGROUPS": str(mounted), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (file,) = mounted.rglob("cgroup.procs")
    assert file.parent.name == "ray"
    assert done.stdout.split() == [
        file.read_text().strip(),
        "start",
        "--block",
        "--head",
        "--port=1",
    ]


def test_a_pod_makes_itself_a_certificate(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl is not None, "the tests' set-up installs it"
    authority, own = tmp_path / "ca", tmp_path / "tls"
    authority.mkdir()
    own.mkdir()
    text = (ROOT / "deploy/ray/kuberay.yaml").read_text()
    (line,) = re.findall(r"^# +(openssl req -x509 .*)$", text, re.MULTILINE)
    subprocess.run(line.split(), cwd=authority, check=True, capture_output=True, timeout=200)
    (maker,) = pods()["nodes"]["spec"]["initContainers"]
    environ = {
        "PATH": os.environ["PATH"],
        "CERTIFICATES": str(own),
        "AUTHORITY": str(authority),
        "POD_IP": "192.0.2.7",
        "HEAD_NAME": "drybox-head-svc.space.svc.cluster.local",
    }
    words = [*maker["command"], *maker["args"]]
    subprocess.run(words, env=environ, check=True, capture_output=True, timeout=200)
    verify = [openssl, "verify", "-CAfile", "ca.crt", "-verify_ip", "192.0.2.7", "tls.crt"]
    subprocess.run(verify, cwd=own, check=True, capture_output=True, timeout=60)
    shown = [openssl, "x509", "-in", "tls.crt", "-noout", "-ext", "subjectAltName"]
    names = subprocess.run(shown, cwd=own, check=True, capture_output=True, text=True, timeout=60)
    assert "DNS:drybox-head-svc.space.svc.cluster.local" in names.stdout
    assert {path.name for path in own.iterdir()} == {"tls.key", "tls.crt", "ca.crt"}
