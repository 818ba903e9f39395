"""Variables and outputs say what they are; whoever calls the module gives what it needs, and nothing else."""

from __future__ import annotations

from check_references import folder_of
from source import Module, load

META = {"source", "version", "providers", "count", "for_each", "depends_on"}


def check(module: Module) -> list[str]:
    faults = []
    for path, block in module.of("variable"):
        where = f"{path.name}: variable {block.labels[0]}"
        faults += [f"{where} lacks a {name}" for name in ("type", "description") if name not in block.body.attributes]
        kind = str(block.body.attributes.get("type", ""))
        if kind == "${number}" or kind == "number":
            faults += [f"{where} is a number without limits"] if not block.body.of("validation") else []
        secret = any(word in block.labels[0].split("_") for word in ("password", "secret"))
        if secret and block.labels[0].endswith(("password", "secret")) and not block.body.attributes.get("sensitive"):
            faults.append(f"{where} is a secret and not sensitive")
    for path, block in module.of("output"):
        if "description" not in block.body.attributes:
            faults.append(f"{path.name}: output {block.labels[0]} lacks a description")
    return faults + calls(module)


def calls(module: Module) -> list[str]:
    faults = []
    for path, block in module.of("module"):
        folder = folder_of(module.path, block)
        if folder is None:
            continue
        where = f"{path.name}: module {block.labels[0]}"
        called = {entry.labels[0]: entry.body for _, entry in load(folder).of("variable")}
        given = block.body.attributes.keys() - META
        faults += [f"{where} has no input {name}" for name in sorted(given - called.keys())]
        needed = {name for name, body in called.items() if "default" not in body.attributes}
        faults += [f"{where} lacks the input {name}" for name in sorted(needed - given)]
    return faults
