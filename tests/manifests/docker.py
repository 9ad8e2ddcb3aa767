"""envoy/docker: the linter's opinion, and whether what is copied and built is there."""

import json
import re
import shlex
import subprocess

from common import ENVOY, ROOT

DOCKERFILE = ENVOY / "docker/Dockerfile"
# What cargo needs to build anything: templates of `envoy` are part of the command `cloakroom`.
WORKSPACE = (".cargo", "Cargo.lock", "Cargo.toml", "envoy", "filter", "redis-bridge", "rust-toolchain.toml", "tests")


def stages():
    """The targets, each with its instructions."""
    found, current = {}, None
    text = re.sub(r"\\\n", " ", DOCKERFILE.read_text())
    for line in text.splitlines():
        word = line.split(" ", 1)[0]
        if word == "FROM":
            current = line.split(" AS ")[1].strip()
            found[current] = [line]
        elif current and line and not line.startswith("#"):
            found[current].append(line)
    return found


def check(faults, hadolint):
    linted = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True)
    for line in linted.stdout.splitlines():
        faults.add("hadolint", line)

    found = stages()
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    made = built(faults, found["build"])
    for stage, lines in found.items():
        for line in lines:
            copy(faults, stage, line, kept, made)

    toolchain = re.search(r'channel = "(.*)"', (ROOT / "rust-toolchain.toml").read_text()).group(1)
    faults.unless(f"rust:{toolchain}-" in found["build"][0], DOCKERFILE, f"the compiler is not {toolchain}")
    envoy = (ENVOY / "VERSION").read_text().strip()
    faults.unless(f"envoyproxy/envoy:v{envoy} " in found["sidecar"][0], DOCKERFILE, f"Envoy is not {envoy}")


def built(faults, lines):
    """What the build stage makes: each `cargo build` names a package, a binary and a profile that there are."""
    metadata = ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]
    packages = json.loads(subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    targets = {package["name"]: package["targets"] for package in packages}
    made = {"/empty"}
    for line in lines:
        if not line.startswith("RUN "):
            continue
        for command in line[4:].split("&&"):
            words = shlex.split(command)
            if words[:2] != ["cargo", "build"]:
                continue
            option = dict(zip(words, words[1:]))
            package, profile = option["-p"], option.get("--profile", "release")
            faults.unless("--locked" in words, DOCKERFILE, f"not locked: {command.strip()}")
            faults.unless(package in targets, DOCKERFILE, f"no package {package}")
            faults.unless(f"[profile.{profile}]" in (ROOT / "Cargo.toml").read_text(), DOCKERFILE, f"no profile {profile}")
            folder = "/".join(filter(None, ["/cloakroom/target", option.get("--target"), profile]))
            for target in targets.get(package, []):
                if "bin" in target["kind"] and option.get("--bin", target["name"]) == target["name"]:
                    made.add(f"{folder}/{target['name']}")
                if "cdylib" in target["kind"]:
                    made.add(f"{folder}/{target['name'].replace('-', '_')}.wasm")
    return made


def copy(faults, stage, line, kept, made):
    if not line.startswith("COPY "):
        return
    words = [word for word in shlex.split(line)[1:] if not word.startswith("--chown")]
    if words[0].startswith("--from="):
        for source in words[1:-1]:
            faults.unless(source in made, DOCKERFILE, f"{stage}: nothing builds {source}")
        return
    for source in words[:-1]:
        faults.unless((ROOT / source).exists(), DOCKERFILE, f"{stage}: {source} is not there")
        for top in WORKSPACE if source == "." else [source.split("/")[0]]:
            faults.unless(top in kept, DOCKERFILE, f"{stage}: .dockerignore keeps {top} away")
