"""What is linked into the program: cargo's own answer, for a target and a set of features."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGETS = ROOT / "scripts/release/targets"


def targets():
    """The names of the targets of a release."""
    lines = TARGETS.read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("#")]


def cargo(*words):
    ended = subprocess.run(["cargo", *words], cwd=ROOT, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"cargo {' '.join(words)}: {ended.stderr}")
    return ended.stdout


def tree(target, features=(), edges="normal,no-proc-macro"):
    """Names and versions of the crates below ours that are linked for a target."""
    words = ["tree", "--locked", "--target", target, "--edges", edges, "--prefix", "none", "--format", "{p}", *features]
    named = {tuple(line.split()[:2]) for line in cargo(*words).splitlines() if line}
    return {(name, version.removeprefix("v")) for name, version in named if name != "csl-stream"}


def metadata(*words):
    # What is asked for offline must be there: the sources of other targets are fetched too.
    words = ["metadata", "--locked", "--format-version", "1", *words]
    words += ["--offline"] if os.environ.get("CARGO_NET_OFFLINE") else []
    return json.loads(cargo(*words))


def packages():
    """Everything that Cargo.lock may bring, as `cargo metadata` describes it, by name and version."""
    return {(package["name"], package["version"]): package for package in metadata("--all-features")["packages"]}


def resolved(target, features=()):
    """Names and versions of the crates that `cargo metadata` counts for a target: more than are linked, since it adds the
    features that tests, build scripts and other targets ask for. It is what cargo auditable goes by."""
    found = metadata("--filter-platform", target, *features)
    counted = {node["id"] for node in found["resolve"]["nodes"]}
    return {(package["name"], package["version"]) for package in found["packages"] if package["id"] in counted}
