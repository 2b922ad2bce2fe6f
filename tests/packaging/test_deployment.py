"""The examples in docker/ fit the program and one another; nothing here needs Docker."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from faceserver.config import Settings
from tests.web.test_scopes import ROUTES

DOCKER = Path(__file__).resolve().parents[2] / "docker"
ROOT = DOCKER.parent
SETTINGS = {f"FACESERVER_{name.upper()}" for name in Settings.model_fields}
ADDRESSES = {route.address for route in ROUTES}


def loaded(name: str) -> list[dict[str, Any]]:
    text = (DOCKER / name).read_text(encoding="utf-8")
    return [part for part in yaml.safe_load_all(text) if part]


def compose() -> dict[str, Any]:
    (found,) = loaded("compose.scale.yml")
    return found


def manifests() -> list[dict[str, Any]]:
    files = sorted((DOCKER / "kubernetes").glob("*.yaml"))
    return [part for file in files for part in loaded(f"kubernetes/{file.name}")]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [part for part in manifests() if part["kind"] == kind]


def pods() -> dict[str, dict[str, Any]]:
    """The description of each kind of pod, by the name of what makes it."""
    made = of_kind("Deployment") + of_kind("Job")
    return {part["metadata"]["name"]: part["spec"]["template"] for part in made}


def test_compose_has_what_several_servers_need() -> None:
    services = compose()["services"]
    assert {
        "faceserver-1",
        "faceserver-2",
        "worker",
        "postgres",
        "s3",
        "triton",
        "haproxy",
        "prometheus",
    } <= services.keys()
    roles = {
        name: service["environment"]["FACESERVER_ROLE"]
        for name, service in services.items()
        if "FACESERVER_ROLE" in service.get("environment", {}) and "command" not in service
    }
    assert roles == {"faceserver-1": "web", "faceserver-2": "web", "worker": "worker"}


def test_compose_names_settings_files_and_services_that_there_are() -> None:
    found = compose()
    services = found["services"]
    for name, service in services.items():
        told = {key for key in service.get("environment", {}) if key.startswith("FACESERVER_")}
        assert told <= SETTINGS, name
        assert set(service.get("depends_on", ())) <= services.keys(), name
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            is_there = (DOCKER / source).is_file() or source in found["volumes"]
            assert is_there, mount
    dockerfile = services["worker"]["build"]["dockerfile"]
    assert (ROOT / dockerfile).is_file()


def test_haproxy_and_prometheus_ask_the_servers_of_compose() -> None:
    services = compose()["services"]
    text = (DOCKER / "haproxy.cfg").read_text(encoding="utf-8")
    balanced = set(re.findall(r"^\s+server \w+ ([\w-]+):8000", text, re.MULTILINE))
    assert balanced == {"faceserver-1", "faceserver-2"}
    assert re.findall(r"httpchk GET (\S+)", text) == ["/health/ready"]
    (scraped,) = loaded("prometheus.yml")
    (job,) = scraped["scrape_configs"]
    (group,) = job["static_configs"]
    assert {target.removesuffix(":8000") for target in group["targets"]} == balanced | {"worker"}
    secret = job["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert secret in services["prometheus"]["secrets"]
    assert secret in compose()["secrets"]


def test_the_image_has_the_extras_and_gets_what_it_copies() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"scripts/install \S+ (.+)", text) == ["base s3 oip postgres"]
    let_in = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
        below = source if (ROOT / source).is_dir() or f"!{source}" in let_in else f"{source}install"
        assert f"!{below.rstrip('/')}" in let_in, source


def test_kubernetes_has_web_servers_and_workers() -> None:
    arguments = {name: pod["spec"]["containers"][0]["args"] for name, pod in pods().items()}
    assert arguments == {
        "faceserver-web": ["serve", "--role", "web"],
        "faceserver-worker": ["serve", "--role", "worker"],
        "faceserver-upgrade": ["db", "upgrade"],
    }
    (service,), (budget,) = of_kind("Service"), of_kind("PodDisruptionBudget")
    labels = pods()["faceserver-web"]["metadata"]["labels"]
    assert service["spec"]["selector"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    for deployment in of_kind("Deployment"):
        template = deployment["spec"]["template"]
        assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]


@pytest.mark.parametrize("name", ["faceserver-web", "faceserver-worker"])
def test_kubernetes_asks_for_health_where_it_is(name: str) -> None:
    spec = pods()[name]["spec"]
    (container,) = spec["containers"]
    ports = {port["name"] for port in container["ports"]}
    probes = {"livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    for probe, path in probes.items():
        assert container[probe]["httpGet"]["path"] == path
        assert path in ADDRESSES
        assert container[probe]["httpGet"]["port"] in ports
    assert spec["terminationGracePeriodSeconds"] > Settings.model_fields["drain_timeout"].default


def test_kubernetes_tells_settings_that_there_are() -> None:
    (config,), (secret,) = of_kind("ConfigMap"), of_kind("Secret")
    told = {**config["data"], **secret["stringData"]}
    assert {name for name in told if not name.startswith("AWS_")} <= SETTINGS
    assert "FACESERVER_STORE" in secret["stringData"]
    claims = {claim["metadata"]["name"] for claim in of_kind("PersistentVolumeClaim")}
    for name, pod in pods().items():
        (container,) = pod["spec"]["containers"]
        given = [next(iter(one.values()))["name"] for one in container["envFrom"]]
        assert given == [config["metadata"]["name"], secret["metadata"]["name"]], name
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert {"/tmp", "/data"} <= mounts.keys()
        assert set(mounts.values()) <= volumes.keys()
        wanted = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        }
        assert wanted <= claims
