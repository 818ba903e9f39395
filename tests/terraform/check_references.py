"""Every reference leads somewhere, with the index that what it leads to needs; nothing is declared in vain."""

from __future__ import annotations

from pathlib import Path

from source import Module, Reference, load
from typings import PACKAGES, schema

# Accepted from configurations of the old module, and said to be unused.
UNUSED_VARIABLES = {"glue_physical_connection_requirements"}
ROOTS = {"path": {"module", "root", "cwd"}, "terraform": {"workspace"}}


def check(module: Module) -> list[str]:
    known = Known(module)
    faults = [
        f"{path.name}:{reference.line}: {reference.text}: {fault}"
        for path, reference in module.references()
        if (fault := known.fault(reference))
    ]
    return faults + known.unused() + addresses(module, known)


class Known:
    """What a module declares, and what of it was used."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.variables = {block.labels[0] for _, block in module.of("variable")}
        self.locals = {name for _, block in module.of("locals") for name in block.body.attributes}
        self.things = {
            (block.kind, *block.labels): block for kind in ("resource", "data") for _, block in module.of(kind)
        }
        self.modules = {block.labels[0]: block for _, block in module.of("module")}
        self.aliases = {
            f"{block.labels[0]}.{str(block.body.attributes['alias']).strip(chr(34))}"
            for _, block in module.of("provider")
            if "alias" in block.body.attributes
        }
        self.used: set[str] = set()

    def fault(self, reference: Reference) -> str | None:
        root, *rest = reference.parts
        block = reference.block
        if root in ("var", "local"):
            self.used.add(f"{root}.{rest[0]}")
            declared = self.variables if root == "var" else self.locals
            return None if rest[0] in declared else "is not declared"
        if root in ROOTS:
            return None if rest[0] in ROOTS[root] else "is unknown"
        if root in ("each", "count"):
            wanted = "for_each" if root == "each" else "count"
            if rest[0] not in ({"key", "value"} if root == "each" else {"index"}):
                return "is unknown"
            return None if wanted in block.attributes else f"stands in a block without {wanted}"
        # Addresses, not values: see addresses().
        if block.kind in ("moved", "removed", "import") and (root == "module" or "_" in root):
            return None
        if root == "module":
            return self.of_module(rest)
        if root in PACKAGES:
            return None if reference.text in self.aliases else "is no provider that is declared"
        if root == "data":
            return self.of_thing("data", rest)
        if root.partition("_")[0] in PACKAGES:
            return self.of_thing("resource", reference.parts)
        return None

    def of_module(self, rest: list[str]) -> str | None:
        block = self.modules.get(rest[0])
        if block is None:
            return "is not declared"
        outputs = outputs_of(self.module.path, block)
        if outputs is None or len(rest) < 2 or rest[1].startswith("["):
            return None
        return None if rest[1] in outputs else f"the module has no output {rest[1]}"

    def of_thing(self, kind: str, parts: list[str]) -> str | None:
        if len(parts) < 2:
            return "is no whole address"
        type_, name, *rest = parts
        block = self.things.get((kind, type_, name))
        if block is None:
            return "is not declared"
        self.used.add(f"{kind}.{type_}.{name}")
        many = bool({"count", "for_each"} & block.body.attributes.keys())
        indexed = bool(rest) and rest[0].startswith("[")
        if indexed and not many:
            return "has an index, but there is only one"
        if many and rest and not indexed:
            return "lacks an index: it has count or for_each"
        attribute = rest[1:2] if indexed else rest[:1]
        known = schema(kind, type_)
        if known and attribute and not attribute[0].startswith("[") and not known.gives(attribute[0]):
            return f"{type_} gives no {attribute[0]}"
        return None

    def unused(self) -> list[str]:
        names = [f"var.{name}" for name in sorted(self.variables - UNUSED_VARIABLES)]
        names += [f"local.{name}" for name in sorted(self.locals)]
        # Data with conditions is read to see whether they hold.
        names += [".".join(key) for key, block in self.things.items() if key[0] == "data" and not block.body.of("lifecycle")]
        return [f"{name} is declared and never used" for name in names if name not in self.used]


def addresses(module: Module, known: Known) -> list[str]:
    """What is moved or imported to must exist, here or in a module that is called; what is removed must not."""
    faults = []
    for path, span in module.spans:
        if span.kind not in ("moved", "removed", "import"):
            continue
        # `from` comes first and names what is gone; an import has an id besides, which is a value.
        which = {"moved": span.references[1:], "removed": span.references, "import": span.references[:1]}[span.kind]
        for reference in which:
            fault = target(module, known, reference, wanted=span.kind != "removed")
            if fault:
                faults.append(f"{path.name}:{reference.line}: {reference.text}: {fault}")
    return faults


def target(module: Module, known: Known, reference: Reference, wanted: bool) -> str | None:
    parts = [part for part in reference.parts if not part.startswith("[")]
    declared = {key[1:] for key in known.things if key[0] == "resource"}
    if parts[0] == "module":
        folder = folder_of(module.path, known.modules.get(parts[1]))
        if folder is None:
            return "is in no module that is called"
        declared = {tuple(block.labels) for _, block in load(folder).of("resource")}
        parts = parts[2:]
    if schema("resource", parts[0]) is None:
        return f"there is no resource {parts[0]}"
    if (tuple(parts[:2]) in declared) != wanted:
        return "is not declared" if wanted else "is still declared"
    return None


def folder_of(path: Path, block) -> Path | None:
    """The folder of a module that is called by a path."""
    source = str(block.body.attributes.get("source", "")).strip('"') if block else ""
    return (path / source).resolve() if source.startswith(".") else None


def outputs_of(path: Path, block) -> set[str] | None:
    folder = folder_of(path, block)
    return {output.labels[0] for _, output in load(folder).of("output")} if folder else None
