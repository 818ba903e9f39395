"""What the providers take and give, from the typings of their npm packages.

    npm pack ──▶ package.tgz ──▶ lib/<type>/index.d.ts ──▶ Schema: arguments, blocks, attributes

The packages stay in the cache, outside the project. Each argument's comment ends in its Terraform name;
what follows the `readonly` says whether it is required, and of which struct a block is.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# The module takes a range of providers: it is checked against the oldest (aws 6.25.0, whose typings are the last of a
# package that has ended), and with CSL_TYPINGS=newest against the newest (aws 6.66.0, random 3.9.1).
OLDEST = {"aws": "@cdktf/provider-aws@21.22.1", "random": "@cdktf/provider-random@12.0.1", "http": "@cdktf/provider-http@10.0.1"}
NEWEST = OLDEST | {"aws": "@cdktn/provider-aws@25.7.0", "random": "@cdktn/provider-random@15.0.1"}
PACKAGES = NEWEST if os.environ.get("CSL_TYPINGS") == "newest" else OLDEST

PROPERTY = re.compile(
    r"/\*\*(?P<doc>(?:(?!\*/).)*?)\*/\s*readonly (?P<name>\w+)(?P<optional>\??): (?P<type>(?:\{[^}]*\}|[^;{])+);",
    re.DOTALL,
)
INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
CLASS = re.compile(r"^export declare class (\w+) extends cdkt[fn]\.Terraform(?:Resource|DataSource) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)


@dataclass
class Argument:
    """An argument or a nested block."""

    required: bool
    is_block: bool
    struct: str | None


@dataclass
class Schema:
    """A resource or a data source."""

    structs: dict[str, dict[str, Argument]]
    top: str
    given: set[str]

    @property
    def arguments(self) -> dict[str, Argument]:
        return self.structs[self.top]

    def gives(self, attribute: str) -> bool:
        return attribute.replace("_", "").lower() in self.given


def cache_folder() -> Path:
    home = Path(os.environ.get("HOME", "/tmp"))
    return Path(os.environ.get("CSL_CACHE", home / ".cache/csl-stream"))


@cache
def package(provider: str) -> Path:
    """The unpacked typings of a provider; fetched once."""
    spec = PACKAGES[provider]
    name = "-".join(spec.split("/")[1].split("@"))
    folder = cache_folder() / "typings" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            packed = pack(spec, made)
            with tarfile.open(packed) as archive:
                typings = [member for member in archive if member.name.endswith("/index.d.ts")]
                archive.extractall(Path(made, "unpacked"), members=typings, filter="data")
            try:
                Path(made, "unpacked").rename(folder)
            except OSError:
                # Another process was faster.
                if not folder.exists():
                    raise
    return folder / "package" / "lib"


def pack(name: str, folder: str) -> Path:
    command = ["npm", "pack", "--silent", "--pack-destination", folder, name]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"the typings {name} could not be fetched ({error}); "
            "fix it with: apt-get install npm, and a way to an npm registry (npm config set registry URL)"
        ) from error
    return next(Path(folder).glob("*.tgz"))


@cache
def schema(kind: str, type_: str) -> Schema | None:
    """The schema of a `resource` or `data` of this type; none if there is no such thing."""
    provider, _, rest = type_.partition("_")
    if provider not in PACKAGES:
        return None
    # A provider's only thing is named after the provider: `data "http"`.
    parts = (["data", provider] if kind == "data" else []) + ([rest.replace("_", "-")] if rest else [])
    file = package(provider) / "-".join(parts) / "index.d.ts"
    return read(file.read_text()) if file.exists() else None


def names(kind: str, provider: str) -> list[str]:
    """All types of a provider, for suggestions."""
    prefix = f"data-{provider}-" if kind == "data" else ""
    folders = (entry.name for entry in package(provider).iterdir() if entry.is_dir())
    return [
        f"{provider}_{folder.removeprefix(prefix).replace('-', '_')}"
        for folder in folders
        if folder.startswith(prefix) and (kind == "data" or not folder.startswith("data-"))
    ]


def read(text: str) -> Schema:
    structs = {}
    for struct, body in INTERFACE.findall(text):
        structs[struct] = dict(map(argument, PROPERTY.finditer(body)))
    (_, members), = CLASS.findall(text)
    given = {name.lower() for name in re.findall(r"^    get (\w+)\(\)", members, re.MULTILINE)}
    top = next(struct for struct in structs if struct.endswith("Config"))
    return Schema(structs, top, given)


def argument(found: re.Match) -> tuple[str, Argument]:
    name = re.search(r"#(\w+) \w+#\w+\}", found["doc"])
    struct = re.match(r"(?:\{[^}]*\}|(\w+)(?:\[\])?)", found["type"]).group(1)
    is_block = re.search(rf"^\s*\* {name.group(1)} block$", found["doc"], re.MULTILINE) is not None
    simple = struct in (None, "string", "number", "boolean", "any")
    return name.group(1), Argument(not found["optional"], is_block, None if simple else struct)
