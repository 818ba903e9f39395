"""Writes a copy of the module that Terraform can plan without a provider, and its plan tests beside it.

    shadow.py TERRAFORM_FOLDER OUT       OUT/module, and OUT/<example> for each example

    resource "aws_x" "y" { … }  ─▶  locals { r__aws_x__y = { … } }        aws_x.y.arn ─▶ local.r__aws_x__y.arn
    what a provider would fill in ─▶ made-up texts, or what tests/mocks says

So Terraform itself evaluates every expression, condition and test, for all combinations that the tests ask
for. What it does not see is what only the provider knows: check_schema.py looks at a part of that.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from source import Block, Body, Module, load, parse

META = {"count", "for_each", "provider", "depends_on"}
THING = re.compile(r'(?<![\w."\-])(?:(data)\.)?((?:aws|random)_\w+|(?<=data\.)http)\.(\w+)')
FILLED = re.compile(r"^(?:\[[^\]]*\])?\.(\w+)")


def text(value: object) -> str:
    """An attribute's value, as HCL."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(map(text, value)) + "]"
    if isinstance(value, dict):
        return "{" + "\n".join(f"{name} = {text(entry)}" for name, entry in value.items() if not name.startswith("__")) + "}"
    value = str(value)
    return value[2:-1] if value.startswith("${") and value.endswith("}") else value


def local(name: str) -> str:
    """`data.aws_x.y` as the name of a local."""
    return "r__" + name.replace(".", "__")


def rewritten(expression: str) -> str:
    return THING.sub(lambda found: "local." + local(found.group(0)), expression)


def content(body: Body, filled: dict[str, str], top: bool = True) -> str:
    """A body as an object: nested blocks are lists of objects."""
    members = dict(filled)
    for name, value in body.attributes.items():
        if not (top and name in META):
            members[name] = text(value)
    lists: dict[str, list[str]] = {}
    for block in body.blocks:
        if block.kind == "dynamic":
            (label,), inner = block.labels, block.body.of("content")[0].body
            each = text(block.body.attributes["for_each"])
            made = f"[for {label} in [for k, v in {each} : {{ key = k, value = v }}] : {content(inner, {}, False)}]"
            lists.setdefault(label, []).append(made)
        elif not (top and block.kind == "lifecycle"):
            lists.setdefault(block.kind, []).append(f"[{content(block.body, {}, False)}]")
    members |= {name: f"concat({', '.join(made)})" for name, made in lists.items()}
    return "{" + "\n".join(f"{name} = {value}" for name, value in members.items()) + "}"


def shadow_of(block: Block, filled: dict[str, str]) -> str:
    """The local in place of a resource or a data source."""
    made = content(block.body, filled)
    if "count" in block.body.attributes:
        number = text(block.body.attributes["count"])
        return f"[for count in [for i in range({number}) : {{ index = i }}] : {made}]"
    if "for_each" in block.body.attributes:
        each = text(block.body.attributes["for_each"])
        return f"{{ for each in [for k, v in {each} : {{ key = k, value = v }}] : each.key => {made} }}"
    return made


def address(block: Block) -> str:
    return ".".join((["data"] if block.kind == "data" else []) + block.labels)


class Shadow:
    """The copy of one folder. `called` is where the copy of the module lies that it calls, if it does."""

    def __init__(self, module: Module, mocks: dict[str, dict[str, str]], asked: str, called: str = "") -> None:
        self.module, self.called = module, called
        self.things = [block for kind in ("resource", "data") for _, block in module.of(kind)]
        self.mocks = mocks
        sources = "\n".join(path.read_text() for path in module.path.glob("*.tf")) + asked
        # Everything of a type has the same members, as it would by its schema: those that some instance has,
        # or somebody asks for.
        self.members: dict[str, set[str]] = {}
        for block in self.things:
            members = self.members.setdefault(self.type(block), set())
            members |= block.body.attributes.keys() - META
            members |= {entry.kind for entry in block.body.blocks if entry.kind not in ("lifecycle", "dynamic")}
        for found in THING.finditer(sources):
            attribute = FILLED.match(sources[found.end() :])
            kind = ("data." if found.group(1) else "") + found.group(2)
            if attribute and kind in self.members:
                self.members[kind].add(attribute.group(1))
        # What somebody asks of a value that is one of several.
        self.members.setdefault("aws_sqs_queue", set()).update({"arn", "url"})

    @staticmethod
    def type(block: Block) -> str:
        return ("data." if block.kind == "data" else "") + block.labels[0]

    def filled(self, block: Block) -> dict[str, str]:
        """What the provider would fill in."""
        given = self.mocks.get(self.type(block), {})
        set_here = block.body.attributes.keys() | {entry.kind for entry in block.body.blocks}
        arguments = {name for other in self.things if self.type(other) == self.type(block) for name in other.body.attributes}
        nested = {entry.kind for other in self.things if self.type(other) == self.type(block) for entry in other.body.blocks}
        made = {}
        for name in sorted(self.members[self.type(block)] - set_here):
            unset = "null" if name in arguments else "[]" if name in nested else f'"{address(block)}.{name}"'
            made[name] = given.get(name, unset)
        return made

    def main(self) -> str:
        lines = ['terraform {\n  required_version = ">= 1.11"\n}']
        locals_ = [f"{local(address(block))} = {shadow_of(block, self.filled(block))}" for block in self.things]
        for _, block in self.module.blocks:
            if block.kind == "locals":
                locals_ += [f"{name} = {text(value)}" for name, value in block.body.attributes.items()]
            elif block.kind == "module":
                block.body.attributes["source"] = f'"{self.called}"'
                lines.append(self.block(block))
            elif block.kind in ("output", "check", "variable"):
                lines.append(self.block(block))
        lines += [f"locals {{\n{entry}\n}}" for entry in locals_]
        return rewritten("\n\n".join(lines)) + "\n"

    def block(self, block: Block) -> str:
        labels = "".join(f' "{label}"' for label in block.labels)
        attributes = [f"{name} = {text(value)}" for name, value in block.body.attributes.items() if name != "providers"]
        inner = [self.block(entry) for entry in block.body.blocks]
        return f"{block.kind}{labels} {{\n" + "\n".join(attributes + inner) + "\n}"


def mocks_of(folder: Path) -> dict[str, dict[str, str]]:
    """What tests/mocks and the tests say that data sources answer."""
    answers: dict[str, dict[str, str]] = {}
    for path in [*folder.glob("tests/mocks/*.tfmock.hcl"), *folder.glob("tests/*.tftest.hcl")]:
        for block in parse(path.read_text(), path):
            for mock in [block] + block.body.blocks:
                if mock.kind == "mock_data":
                    defaults = mock.body.attributes["defaults"]
                    answers["data." + mock.labels[0]] = {name: text(value) for name, value in defaults.items()}
    return answers


def without_mocks(test: str) -> str:
    return re.sub(r'^mock_provider "\w+" (?:\{\}|\{.*?^\})\n', "", test, flags=re.DOTALL | re.MULTILINE)


def made_up(name: str, type_: str) -> str:
    """A value for an example's input."""
    if type_.startswith("list"):
        return f"[{made_up(name, 'string')}]"
    if type_.startswith("object"):
        members = re.findall(r"(\w+)\s*=\s*(\w+)", type_)
        return "{" + ", ".join(f"{member} = {made_up(member, kind)}" for member, kind in members) + "}"
    if name.endswith("_arn"):
        return '"arn:aws:secretsmanager:us-east-1:123456789012:secret:made-up"'
    # Its checksum is taken, so there must be a file.
    return '"main.tf"' if name == "lambda_zip_path" else '"made-up"'


def copy_example(folder: Path, out: Path, called: Path) -> None:
    """An example that calls the copy of the module, with a test that plans it."""
    module = load(folder)
    (out / "tests").mkdir(parents=True)
    # What must have a form.
    mocks = {
        "data.aws_availability_zones": {"names": '["a", "b", "c"]'},
        "aws_redshiftserverless_namespace": {"admin_password_secret_arn": made_up("secret_arn", "string")},
    }
    (out / "main.tf").write_text(Shadow(module, mocks, "", str(called)).main())
    values = [
        f"    {block.labels[0]} = {made_up(block.labels[0], text(block.body.attributes['type']))}"
        for _, block in module.of("variable")
        # Without a signing secret the module warns, which is a failure to a test.
        if "default" not in block.body.attributes or block.labels[0] == "webhook_secret_arn"
    ]
    # Each switch the other way too: steps of a migration are switches.
    switches = [
        f"    {block.labels[0]} = !{text(block.body.attributes['default'])}"
        for _, block in module.of("variable")
        if text(block.body.attributes["type"]) == "bool"
    ]
    tests = [
        f'run "it_plans_{at}" {{\n  command = plan\n  variables {{\n' + "\n".join(values + switch) + "\n  }\n}\n"
        for at, switch in enumerate([[], *([switch] for switch in switches)])
    ]
    (out / "tests" / "it.tftest.hcl").write_text("\n".join(tests))


def copy_module(folder: Path, out: Path) -> None:
    (out / "tests").mkdir(parents=True)
    tests = {path.name: without_mocks(path.read_text()) for path in folder.glob("tests/*.tftest.hcl")}
    shadow = Shadow(load(folder), mocks_of(folder), "\n".join(tests.values()))
    (out / "main.tf").write_text(shadow.main())
    for name, test in tests.items():
        (out / "tests" / name).write_text(rewritten(test))


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    copy_module(folder, out / "module")
    for path in sorted({path.parent for path in folder.glob("examples/**/*.tf")}):
        copy_example(path, out / path.name, Path("../module"))


if __name__ == "__main__":
    main()
