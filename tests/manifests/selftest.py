"""Does check.py find what it is there for? Each fault here is put into a copy of the repository, and must be told.

    selftest.py --cloakroom BINARY --hadolint BINARY [--istio-crds FILE]
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# File, what stands there, what is put there, and what must be told. The last are faults that only Istio's definitions show.
FAULTS = [
    ("envoy/docker/Dockerfile", "-p redis-bridge", "-p redis-brigde", "no package redis-brigde"),
    ("envoy/docker/Dockerfile", "COPY envoy/iptables.sh", "COPY envoy/iptable.sh", "envoy/iptable.sh is not there"),
    ("envoy/docker/Dockerfile", "target/release/redis-bridge /usr", "target/debug/redis-bridge /usr", "nothing builds"),
    ("envoy/docker/../../.dockerignore", "!tests\n", "", "keeps tests away"),
    ("envoy/compose.yaml", "target: bridge}", "target: brigde}", "no such image"),
    ("envoy/compose.yaml", "restart: unless-stopped", "restart_policy: always", "restart_policy"),
    ("envoy/compose.yaml", "subpath: pki}}", "subpath: pkis}}", "setup.sh makes no pkis"),
    ("envoy/compose.yaml", "source: state, target: /state/pki", "source: state, target: /pki", "which is not mounted"),
    ("envoy/compose.yaml", '"bridge:8790"', '"bridge:8791"', "nothing listens on bridge:8791"),
    ("envoy/compose.yaml", "service_healthy}\n    restart", "service_started}\n    restart", "does not wait for Envoy"),
    ("envoy/compose.yaml", "CURL_CA_BUNDLE:", "API_KEY: x\n      CURL_CA_BUNDLE:", "secret in the environment"),
    ("envoy/kubernetes/gateway/deployment.yaml", "startupProbe", "startUpProbe", "startUpProbe"),
    ("envoy/kubernetes/gateway/deployment.yaml", "drop: [ALL]", "add: [NET_ADMIN]", "may be root"),
    ("envoy/kubernetes/gateway/deployment.yaml", "secretName: cloakroom-gateway-pki", "secretName: gateway-pki", "no Secret gateway-pki"),
    ("envoy/kubernetes/gateway/deployment.yaml", "containerPort: 15443", "containerPort: 15444", "the container says"),
    ("envoy/kubernetes/gateway/deployment.yaml", "mountPath: /etc/cloakroom/pki", "mountPath: /etc/pki", "which is not mounted"),
    ("envoy/kubernetes/gateway/network-policy.yaml", "app: redis-bridge", "app: bridge", "no pod has"),
    ("envoy/kubernetes/sidecar/deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writes its file system"),
    ("envoy/istio/sidecar/wasm-plugin.yaml", "failStrategy: FAIL_RELOAD", "failStrategy: FAIL_OPEN", "fails open"),
    ("envoy/istio/sidecar/wasm-plugin.yaml", "timeout_ms", "timeout", "pluginConfig"),
    ("envoy/istio/sidecar/wasm-plugin.yaml", "    - x-forwarded-proto\n", "", "forward_headers"),
    ("envoy/istio/sidecar/api.openai.com.yaml", "hosts: [api.openai.com]", "hosts: [api.example.com]", "the filter for"),
    ("envoy/istio/sidecar/wasm-plugin.yaml", "failStrategy:", "failurePolicy: x\n  failStrategy:", "failurePolicy", "definitions"),
    ("envoy/istio/sidecar/envoy-filter.yaml", "INSERT_BEFORE", "INSERT_BEHIND", "INSERT_BEHIND", "definitions"),
    ("envoy/istio/sidecar/api.openai.com.yaml", "mode: SIMPLE", "mode: PLAIN", "PLAIN", "definitions"),
]


def main():
    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="cloakroom-manifests-") as scratch:
        copy = pathlib.Path(scratch) / "repository"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
        for file in filter(None, listed.stdout.split("\0")):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, copy / file)
        failed = sum(not found(copy, arguments, *fault) for fault in applicable(arguments))
    print(f"faults that were put in: {len(applicable(arguments)) - failed} found, {failed} not found")
    return 1 if failed else 0


def applicable(arguments):
    crds = "--istio-crds" in arguments
    kubectl = shutil.which("kubectl") is not None
    return [
        fault
        for fault in FAULTS
        if (crds or len(fault) == 4) and (kubectl or not fault[0].startswith("envoy/kubernetes"))
    ]


def found(copy, arguments, name, old, new, told, _needs=None):
    file = copy / name
    before = file.read_text()
    if old not in before:
        print(f"{name} has no {old!r}: the fault must be put elsewhere")
        return False
    file.write_text(before.replace(old, new))
    part = "compose" if name == "envoy/compose.yaml" else name.split("/")[1]
    check = [sys.executable, "-B", copy / "tests/manifests/check.py", "--only", part, *arguments]
    checked = subprocess.run(check, capture_output=True, text=True)
    file.write_text(before)
    holds = checked.returncode != 0 and told in checked.stderr
    if not holds:
        print(f"{name}: {old!r} → {new!r} is not told as {told!r}: {checked.stderr}")
    return holds


if __name__ == "__main__":
    sys.exit(main())
