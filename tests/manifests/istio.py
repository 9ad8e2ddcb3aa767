"""envoy/istio: the schemas of Istio's own definitions, and whether the manifests say the same everywhere."""

import json
import shutil
import subprocess

import jsonschema
import kubernetes_validate

import kubernetes
from common import ENVOY, ROOT, documents, load

FOLDER = ENVOY / "istio"


def check(faults, cloakroom, crds, scratch):
    """Without Istio's definitions (`crds`), only what can be said without them."""
    folders = {path.parent: resources(path.parent) for path in sorted(FOLDER.rglob("kustomization.yaml"))}
    schemas = definitions(crds) if crds else {}
    for folder, found in folders.items():
        say = lambda what, folder=folder: faults.add(folder, what)
        for resource in found:
            validate(say, resource, schemas, bool(crds))
    for folder in (FOLDER / "sidecar", FOLDER / "egress-gateway"):
        plugin = the(folders[folder], "WasmPlugin")
        configuration(faults, folder, plugin["pluginConfig"], cloakroom, scratch)
        consistent(faults, folder, folders[folder], plugin["pluginConfig"]["hosts"])
        faults.unless(plugin["failStrategy"] in ("FAIL_RELOAD", "FAIL_CLOSE"), folder, "the filter fails open")
    successor(faults, folders)
    if shutil.which("kubectl"):
        for folder in folders:
            built = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True)
            faults.unless(built.returncode == 0, folder, built.stderr.strip())


def resources(folder):
    """What the folder's kustomization lists: files of its own."""
    listed = load(folder / "kustomization.yaml")[0]["resources"]
    return [document for file in listed if (folder / file).is_file() for document in load(folder / file)]


def the(found, kind):
    return next(resource["spec"] for resource in found if resource["kind"] == kind)


def definitions(crds):
    """The schema of each kind and version, closed: a field that it does not know is a fault."""
    schemas = {}
    for definition in documents(crds.read_text()):
        spec = definition["spec"]
        for version in spec["versions"]:
            key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
            schemas[key] = close(version["schema"]["openAPIV3Schema"], root=True)
    return schemas


def close(schema, root=False):
    """The API server drops unknown fields in silence; here they are refused."""
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {key: close(value) for key, value in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            closed[name] = close(schema[name])
    if root:
        closed["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
    unknown = schema.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("type") == "object" and "additionalProperties" not in schema and not unknown:
        closed["additionalProperties"] = False
    return closed


def validate(say, resource, schemas, with_definitions):
    kind, version = resource["kind"], resource["apiVersion"]
    what = f"{kind} {resource['metadata']['name']}"
    if not version.split("/")[0].endswith("istio.io"):
        kubernetes.schema(say, resource)
        return
    if not with_definitions:
        return
    schema = schemas.get((version, kind))
    if schema is None:
        say(f"{what}: Istio has no {version}")
        return
    for error in jsonschema.Draft202012Validator(schema).iter_errors(resource):
        say(f"{what}: {error.json_path}: {error.message[:200]}")


def configuration(faults, folder, config, cloakroom, scratch):
    """The filter takes it, and forwards what it forwards by default, and the one header that Envoy needs."""
    file = scratch / "plugin.json"
    file.write_text(json.dumps(config))
    checked = subprocess.run([cloakroom, "check", file], capture_output=True, text=True)
    faults.unless(checked.returncode == 0, folder, f"pluginConfig: {checked.stdout}{checked.stderr}")
    schema = json.loads((ROOT / "filter/core/config.schema.json").read_text())
    wanted = [*schema["properties"]["forward_headers"]["default"], "x-forwarded-proto"]
    faults.unless(sorted(config["forward_headers"]) == sorted(wanted), folder, f"forward_headers is not {wanted}")


def consistent(faults, folder, found, hosts):
    """One list of hosts, and no way to any of them but the one port."""
    places = {
        "ServiceEntry": lambda spec: spec["hosts"],
        "DestinationRule": lambda spec: [spec["host"]],
        "VirtualService": lambda spec: spec["hosts"],
    }
    for kind, of in places.items():
        named = [host for resource in found if resource["kind"] == kind for host in of(resource["spec"])]
        faults.unless(sorted(named) == sorted(hosts), folder, f"{kind} is for {named}, the filter for {hosts}")
    for resource in found:
        spec = resource.get("spec", {})
        if resource["kind"] == "ServiceEntry":
            faults.unless(len(spec["ports"]) == 1, folder, f"{spec['hosts']}: a second port is a way around the filter")
        if resource["kind"] == "Gateway":
            faults.unless(sorted(spec["servers"][0]["hosts"]) == sorted(hosts), folder, "the Gateway is for other hosts")


def successor(faults, folders):
    """TrafficExtension says what WasmPlugin says."""
    plugin = dict(the(folders[FOLDER / "sidecar"], "WasmPlugin"))
    extension = dict(the(folders[FOLDER / "traffic-extension"], "TrafficExtension"))
    extension |= extension.pop("wasm")
    faults.unless(plugin == extension, FOLDER / "traffic-extension", "TrafficExtension and WasmPlugin differ")
