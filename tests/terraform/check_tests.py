"""The plan tests (`tests/*.tftest.hcl`) speak of inputs, outputs and resources that there are, and only plan."""

from __future__ import annotations

from check_references import Known
from source import Block, Module, Reference, parse, scan


def check(module: Module) -> list[str]:
    known = Known(module)
    outputs = {block.labels[0] for _, block in module.of("output")}
    faults = []
    for path in sorted(module.path.glob("tests/*.tftest.hcl")):
        text = path.read_text()
        found = [fault for block in parse(text, path) for fault in inputs(block, known)]
        references = [reference for span in scan(text, path) for reference in span.references]
        found += [
            f"line {reference.line}: {reference.text}: {fault}"
            for reference in references
            if (fault := fault_of(reference, known, outputs))
        ]
        faults += [f"{path.name}: {fault}" for fault in found]
    return faults


def inputs(block: Block, known: Known) -> list[str]:
    given = [block] if block.kind == "variables" else block.body.of("variables")
    faults = [
        f"{block.name}: there is no input {name}"
        for variables in given
        for name in variables.body.attributes
        if name not in known.variables
    ]
    # An apply would only show what the mock made up.
    if block.kind == "run" and "plan" not in str(block.body.attributes.get("command")):
        faults.append(f"{block.name}: does more than plan")
    return faults


def fault_of(reference: Reference, known: Known, outputs: set[str]) -> str | None:
    root, name = reference.parts[:2]
    if root == "output":
        return None if name in outputs else "is not declared"
    return known.fault(reference)
