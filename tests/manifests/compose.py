"""envoy/compose.yaml: the specification's schema, and whether the services fit each other and Envoy's configuration."""

import importlib.resources
import json
import re

import jsonschema
import yaml

import docker
from common import ENVOY, IN_IMAGE, files_of, load, render

COMPOSE = ENVOY / "compose.yaml"
# The one service that changes the network namespace.
PRIVILEGED = {"iptables": ["NET_ADMIN", "NET_RAW"]}
ENVOY_USER = "1337:1337"


def check(faults, cloakroom, scratch):
    compose = load(COMPOSE)[0]
    schema = importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for error in validator.iter_errors(compose):
        faults.add(COMPOSE, f"{error.json_path}: {error.message[:200]}")
    services = compose["services"]
    for name, service in services.items():
        say = lambda what, name=name: faults.add(COMPOSE, f"{name}: {what}")
        locked(say, name, service)
        references(say, service, compose, services)
    namespace(faults, services)
    envoys_files(faults, compose, cloakroom, scratch)


def locked(say, name, service):
    if not service.get("read_only"):
        say("its file system can be written")
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add", []) != PRIVILEGED.get(name, []):
        say("its capabilities are not as they should be")
    if service.get("security_opt") != ["no-new-privileges:true"] or service.get("privileged"):
        say("it may get privileges")
    if "ports" in service:
        say("it has a port on the host")
    if name not in PRIVILEGED and service.get("user", "0").startswith("0"):
        say("it runs as root")
    for variable in service.get("environment") or {}:
        if re.search("TOKEN|PASSWORD|SECRET|API_?KEY", variable):
            say(f"the variable {variable} is a secret in the environment")


def references(say, service, compose, services):
    build = service.get("build")
    if build:
        file = (COMPOSE.parent / build["context"] / build["dockerfile"]).resolve()
        if file != docker.DOCKERFILE or build["target"] not in docker.stages():
            say(f"no such image: {build}")
        if service["image"] != f"cloakroom/{build['target']}:0.1.0":
            say(f"{service['image']} is not what its build makes")
    elif ":" not in service["image"] or service["image"].endswith(":latest"):
        say(f"{service['image']} has no version")
    folders = re.findall(r'"\$root/(\w+)"', (ENVOY / "docker/setup.sh").read_text()) + ["envoy", "pki"]
    for volume in service.get("volumes", []):
        if volume["source"] not in compose["volumes"]:
            say(f"no volume {volume['source']}")
        if volume.get("volume", {}).get("subpath", "trust") not in folders:
            say(f"setup.sh makes no {volume['volume']['subpath']}")
    for config in service.get("configs", []):
        if config["source"] not in compose["configs"]:
            say(f"no config {config['source']}")
    for network in service.get("networks", []):
        if network not in compose["networks"]:
            say(f"no network {network}")
    for other, how in service.get("depends_on", {}).items():
        if other not in services:
            say(f"no service {other}")
        elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
            say(f"{other} tells no health")
        elif how["condition"] == "service_completed_successfully" and services[other].get("restart") != "no":
            say(f"{other} never ends")


def namespace(faults, services):
    """One network namespace, in which Envoy alone is the user whom iptables leaves alone; and the order of the start."""
    for name in ("iptables", "sidecar", "application"):
        faults.unless(services[name]["network_mode"] == "service:pod", COMPOSE, f"{name} is in another network namespace")
    faults.unless(services["sidecar"]["user"] == ENVOY_USER, COMPOSE, "Envoy is not the user of iptables.sh")
    faults.unless(services["application"]["user"] != ENVOY_USER, COMPOSE, "the application is the user of Envoy")
    needs = services["application"]["depends_on"]
    faults.unless(needs["iptables"]["condition"] == "service_completed_successfully", COMPOSE, "the application does not wait for iptables")
    faults.unless(needs["sidecar"]["condition"] == "service_healthy", COMPOSE, "the application does not wait for Envoy")
    mounted = [volume.get("volume", {}).get("subpath") for volume in services["application"]["volumes"]]
    faults.unless(mounted == ["trust"], COMPOSE, "the application sees more than the CA's certificate")


def envoys_files(faults, compose, cloakroom, scratch):
    """What Envoy's configuration names is mounted into its container, and its bridge is the one that listens there."""
    services = compose["services"]
    egress = scratch / "egress.yaml"
    content = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", compose["configs"]["egress"]["content"])
    egress.write_text(content)
    render(cloakroom, egress, scratch / "rendered", "sidecar-transparent.yaml")
    sidecar = services["sidecar"]
    mounts = [volume["target"] for volume in sidecar["volumes"]] + [tmpfs.split(":")[0] for tmpfs in sidecar["tmpfs"]]
    for name in ("sidecar-transparent.yaml", "sds-leaf.yaml", "filter.yaml"):
        for file in files_of(load(scratch / "rendered" / name)[0]):
            covered = any(file == mount or file.startswith(mount + "/") for mount in mounts)
            faults.unless(covered or file in IN_IMAGE, COMPOSE, f"sidecar: {name} names {file}, which is not mounted")
    config = sidecar["command"][0]
    faults.unless(config == yaml.safe_load(content)["files"]["rendered"] + "/sidecar-transparent.yaml", COMPOSE, f"sidecar: no {config}")
    host, port = yaml.safe_load(content)["bridge"]["address"].split(":")
    listens = services.get(host, {}).get("command", [])
    faults.unless(f"--listen=0.0.0.0:{port}" in listens, COMPOSE, f"nothing listens on {host}:{port}")
    faults.unless(host in services and set(services[host]["networks"]) & set(services["pod"]["networks"]), COMPOSE, "the sidecar has no network with the bridge")
