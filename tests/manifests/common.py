"""What the checks of manifests share: faults, files, and Envoy's configuration as `cloakroom render` makes it."""

import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVOY = ROOT / "envoy"
# Where the images of envoy/docker/Dockerfile have what Envoy's configuration names.
IN_IMAGE = {"/etc/cloakroom/cloakroom.wasm", "/etc/ssl/certs/ca-certificates.crt"}


class Faults:
    """What was found; each is one line."""

    def __init__(self):
        self.lines = []

    def add(self, where, what):
        if isinstance(where, pathlib.Path) and where.is_relative_to(ROOT):
            where = where.relative_to(ROOT)
        self.lines.append(f"{where}: {what}")

    def unless(self, holds, where, what):
        if not holds:
            self.add(where, what)


def documents(text):
    """All YAML documents of a text that say something."""
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document is not None]


def load(path):
    return documents(path.read_text())


def render(cloakroom, egress, out, start):
    """Makes Envoy's configuration of an operator's file, as the operator does, and looks at what Envoy starts with."""
    subprocess.run([cloakroom, "render", "--file", egress, "--out", out], check=True)
    subprocess.run([cloakroom, "check", "--envoy", out / start], check=True, stdout=subprocess.DEVNULL)


def members(tree, name):
    """Every value of a member called `name`, however deep."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == name:
                yield value
            yield from members(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from members(value, name)


def files_of(tree):
    """Every file and folder that a configuration of Envoy reads."""
    for name in ("filename", "path"):
        for value in members(tree, name):
            if isinstance(value, str) and value.startswith("/") and len(value) > 1:
                yield value
