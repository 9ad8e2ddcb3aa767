"""Checks the manifests under envoy/: `make manifests`.

    check.py --cloakroom BINARY --hadolint BINARY [--istio-crds FILE] [--only PART]
"""

import argparse
import pathlib
import sys
import tempfile

import compose
import docker
import istio
import kubernetes
from common import Faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cloakroom", type=pathlib.Path, required=True)
    parser.add_argument("--hadolint", type=pathlib.Path, required=True)
    parser.add_argument("--istio-crds", type=pathlib.Path)
    parser.add_argument("--only", choices=["compose", "docker", "istio", "kubernetes"])
    options = parser.parse_args()
    faults, skipped = Faults(), []
    with tempfile.TemporaryDirectory(prefix="cloakroom-manifests-") as scratch:
        scratch = pathlib.Path(scratch)
        if options.only in (None, "docker"):
            docker.check(faults, options.hadolint)
        if options.only in (None, "compose"):
            compose.check(faults, options.cloakroom, scratch)
        if options.only in (None, "kubernetes") and not kubernetes.check(faults, options.cloakroom, scratch):
            skipped.append("SKIPPED: envoy/kubernetes is not checked, because kubectl is not here to build it")
        if options.only in (None, "istio"):
            istio.check(faults, options.cloakroom, options.istio_crds, scratch)
        if options.istio_crds is None:
            skipped.append("SKIPPED: envoy/istio is not held against Istio's definitions; give ISTIO_CRDS=FILE (Istio's crd-all.gen.yaml)")
    for line in skipped + faults.lines:
        print(line, file=sys.stderr)
    print(f"manifests: {len(faults.lines)} faults")
    return 1 if faults.lines else 0


if __name__ == "__main__":
    sys.exit(main())
