"""envoy/kubernetes: the API's schemas, what refers to what, Pod Security, and whether mounts fit Envoy's configuration."""

import functools
import shutil
import subprocess

import kubernetes_validate.utils

from common import ENVOY, IN_IMAGE, documents, files_of, load, members, render

FOLDER = ENVOY / "kubernetes"
# The first with sidecar containers switched on, and the newest that the schemas have.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
# It reads a megabyte for each resource again.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)
# The operator's file of each folder that has Envoy's configuration, and the file that Envoy starts with.
RENDERED = {
    "gateway": ("gateway/egress.yaml", "gateway.yaml"),
    "sidecar": ("sidecar/egress.yaml", "sidecar-transparent.yaml"),
    "sidecar-to-gateway": ("gateway/egress.yaml", "sidecar-transparent.yaml"),
}
# Secrets are made by hand; each is described where it is used.
SECRETS = {
    "cloakroom-bridge-token": ["token"],
    "cloakroom-gateway-pki": ["gateway.pem", "gateway.key", "mesh-ca.pem"],
    "cloakroom-sidecar-pki": ["bundle.pem", "leaf.pem", "leaf.key", "sidecar.pem", "sidecar.key", "mesh-ca.pem"],
    "redis-bridge": ["keys.json", "callers.json", "store"],
}
# The one container that Pod Security's `restricted` refuses.
PRIVILEGED = "iptables"


def check(faults, cloakroom, scratch):
    """False if there is no kubectl to build the manifests with."""
    if shutil.which("kubectl") is None:
        return False
    copy = scratch / "kubernetes"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("rendered"))
    for folder, (egress, start) in RENDERED.items():
        render(cloakroom, copy / egress, copy / folder / "rendered", start)
    built = {}
    for folder in sorted(path.parent.name for path in FOLDER.glob("*/kustomization.yaml")):
        kustomize = subprocess.run(["kubectl", "kustomize", copy / folder], capture_output=True, text=True)
        if kustomize.returncode:
            faults.add(FOLDER / folder, kustomize.stderr.strip())
            continue
        built[folder] = documents(kustomize.stdout)
    everything = [document for folder in built.values() for document in folder]
    for folder, resources in built.items():
        say = lambda what, folder=folder: faults.add(FOLDER / folder, what)
        for resource in resources:
            schema(say, resource)
            selectors(say, resource, resources, everything)
        for pod in pods(resources):
            pod_security(say, pod)
            references(say, pod, resources)
            if folder in RENDERED:
                envoys_files(say, pod, copy / folder / "rendered", RENDERED[folder][1])
    return True


def schema(say, resource, known=None):
    """Strictly: a field that the API does not know is a fault."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            say(f"{name(resource)}: Kubernetes {version}: {error.json_path}: {error.message[:200]}")
        except kubernetes_validate.SchemaNotFoundError as error:
            say(f"{name(resource)}: {error.message}")


def name(resource):
    return f"{resource['kind']} {resource['metadata']['name']}"


def templates(resources):
    return [resource["spec"]["template"] for resource in resources if resource["kind"] == "Deployment"]


def pods(resources):
    return [template["spec"] for template in templates(resources)]


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def fits(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def selectors(say, resource, resources, everything):
    """Services, policies, budgets and scalers mean pods that there are, and ports that these have."""
    kind, spec = resource["kind"], resource.get("spec", {})
    labels = [template["metadata"]["labels"] for template in templates(resources)]
    selector = {
        "Service": lambda: spec["selector"],
        "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda: spec["podSelector"].get("matchLabels", {}),
        "Deployment": lambda: spec["selector"]["matchLabels"],
    }.get(kind)
    if selector and labels and not any(fits(selector(), of) for of in labels):
        say(f"{name(resource)}: no pod is meant")
    if kind == "HorizontalPodAutoscaler":
        if not any(name(other) == f"Deployment {spec['scaleTargetRef']['name']}" for other in resources):
            say(f"{name(resource)}: scales nothing")
    if kind == "Service":
        ports = [port["name"] for pod in pods(resources) for box in containers(pod) for port in box.get("ports", [])]
        for port in spec["ports"]:
            if port["targetPort"] not in ports:
                say(f"{name(resource)}: no port {port['targetPort']}")
    if kind == "NetworkPolicy":
        all_labels = [template["metadata"]["labels"] for template in templates(everything)]
        outside = [{"k8s-app": "kube-dns"}, {"app": "redis"}]
        for peers in members(spec, "podSelector"):
            wanted = peers.get("matchLabels", {})
            if wanted not in outside and not any(fits(wanted, of) for of in all_labels):
                say(f"{name(resource)}: no pod has {wanted}")


def pod_security(say, pod):
    """What the level `restricted` asks for: of all but the one container that changes the network namespace."""
    around = pod.get("securityContext", {})
    if pod.get("automountServiceAccountToken") is not False:
        say("a pod has a token of the API")
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            say(f"a pod has {field}")
    for volume in pod.get("volumes", []):
        kinds = set(volume) - {"name"}
        if kinds - {"configMap", "emptyDir", "projected", "secret"}:
            say(f"volume {volume['name']}: {kinds}")
    for box in containers(pod):
        own = box.get("securityContext", {})
        context = {**around, **own}
        wrong = [
            what
            for what, holds in {
                "may get privileges": own.get("allowPrivilegeEscalation") is False and not own.get("privileged"),
                "writes its file system": own.get("readOnlyRootFilesystem") is True,
                "has no seccomp profile": context.get("seccompProfile", {}).get("type") == "RuntimeDefault",
                "has no memory limit": "memory" in box.get("resources", {}).get("limits", {}),
            }.items()
            if not holds
        ]
        capabilities = own.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"]:
            wrong.append("keeps capabilities")
        if box["name"] == PRIVILEGED:
            if capabilities.get("add") != ["NET_ADMIN", "NET_RAW"]:
                wrong.append("has other capabilities than it needs")
        elif capabilities.get("add") or context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            wrong.append("may be root")
        for what in wrong:
            say(f"container {box['name']} {what}")


def references(say, pod, resources):
    """Every volume, ConfigMap and Secret that is named is there."""
    maps = {r["metadata"]["name"]: r.get("data", {}) for r in resources if r["kind"] == "ConfigMap"}
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for volume in volumes.values():
        for source in members(volume, "configMap"):
            if source["name"] not in maps:
                say(f"no ConfigMap {source['name']}")
        if "secret" in volume:
            if volume["secret"]["secretName"] not in SECRETS:
                say(f"no Secret {volume['secret']['secretName']}")
            if volume["secret"].get("defaultMode", 0o644) & 0o007:
                say(f"Secret {volume['secret']['secretName']} can be read by everybody")
    for box in containers(pod):
        for mount in box.get("volumeMounts", []):
            if mount["name"] not in volumes:
                say(f"container {box['name']}: no volume {mount['name']}")
                continue
            secret = volumes[mount["name"]].get("secret", {}).get("secretName")
            if secret and "subPath" in mount and mount["subPath"] not in SECRETS.get(secret, []):
                say(f"container {box['name']}: Secret {secret} has no {mount['subPath']}")
        for source in members(box.get("env", []), "secretKeyRef"):
            if source["key"] not in SECRETS.get(source["name"], []):
                say(f"container {box['name']}: Secret {source['name']} has no {source['key']}")
    accounts = [r["metadata"]["name"] for r in resources if r["kind"] == "ServiceAccount"]
    if pod.get("serviceAccountName", "default") not in [*accounts, "default"]:
        say(f"no ServiceAccount {pod['serviceAccountName']}")


def envoys_files(say, pod, rendered, start):
    """What Envoy's configuration names is mounted where Envoy runs, and its ports are the container's."""
    envoy = next(box for box in containers(pod) if box["name"] == "envoy")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in envoy["volumeMounts"]}
    if envoy["args"] != [f"/etc/cloakroom/envoy/{start}"]:
        say(f"Envoy starts with {envoy['args']}")
    todo, seen = [start], set()
    while todo:
        file = todo.pop()
        seen.add(file)
        for path in files_of(load(rendered / file)[0]):
            inside = max((mount for mount in mounts if path == mount or path.startswith(mount + "/")), default=None, key=len)
            if inside is None:
                if path not in IN_IMAGE:
                    say(f"{file} names {path}, which is not mounted")
                continue
            rest = path[len(inside) + 1 :]
            secret = mounts[inside].get("secret", {}).get("secretName")
            if secret and rest and rest not in SECRETS.get(secret, []):
                say(f"{file} names {path}, which Secret {secret} does not have")
            if inside == "/etc/cloakroom/envoy" and rest and rest not in seen:
                todo.append(rest)
    ports = {port["containerPort"] for port in envoy.get("ports", [])}
    listens = {
        address["socket_address"]["port_value"]
        for address in members(load(rendered / start)[0]["static_resources"]["listeners"], "address")
        if isinstance(address, dict) and address.get("socket_address", {}).get("address") == "0.0.0.0"
    }
    if ports != listens:
        say(f"Envoy listens on {sorted(listens)}, the container says {sorted(ports)}")
