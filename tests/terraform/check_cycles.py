"""Nothing waits for itself, across the modules that are called by a path; and no count waits for a resource.

    module.a.var.x ──▶ what the call gives ──▶ aws_y.z ──▶ module.a.output.w ──▶ …
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter

from check_references import folder_of
from source import Block, Module, load, strings
from typings import PACKAGES

THINGS = "|".join(rf"(?:data\.)?{provider}_\w+" for provider in PACKAGES) + r"|data\.http"
WAITS_FOR = re.compile(rf"(?<![\w.\"-])(var|local|module\.\w+|{THINGS})\.(\w+)")


# These look for what must be there before: their inputs say so.
MAY_WAIT = {"aws_vpc_endpoint_route_table_association.s3"}


def check(module: Module) -> list[str]:
    graph: dict[str, set[str]] = {}
    collect(module, "", {}, graph)
    return cycles(graph) + counts(module, graph)


def counts(module: Module, graph: dict[str, set[str]]) -> list[str]:
    """How many there are must be known before anything is made."""
    faults = []
    for _, block in module.of("resource"):
        name = ".".join(block.labels)
        first = found(block.body.attributes.get("count", ""), "")
        made = sorted(wait for wait in reached(graph, first) if not wait.startswith(("var.", "local.", "module.")))
        if made and name not in MAY_WAIT:
            faults.append(f"{name}: its count waits for {made[0]}")
    return faults


def reached(graph: dict[str, set[str]], first: set[str]) -> set[str]:
    seen, left = set(), list(first)
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += graph.get(name, ())
    return seen


def cycles(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["waits for itself: " + " → ".join(error.args[1])]
    return []


def collect(module: Module, prefix: str, given: dict[str, set[str]], graph: dict[str, set[str]]) -> None:
    """Notes what waits for what. `given` are a module's inputs, with what the caller's values wait for."""
    for _, block in module.blocks:
        if block.kind in ("resource", "data"):
            name = ".".join(block.labels) if block.kind == "resource" else f"data.{'.'.join(block.labels)}"
            graph[prefix + name] = waits(block, prefix)
        elif block.kind == "locals":
            for name, value in block.body.attributes.items():
                graph[f"{prefix}local.{name}"] = found(value, prefix)
        elif block.kind == "variable":
            name = block.labels[0]
            graph[f"{prefix}var.{name}"] = given.get(name, set()) | waits(block, prefix) - {f"{prefix}var.{name}"}
        elif block.kind == "output":
            graph[f"{prefix}output.{block.labels[0]}"] = waits(block, prefix)
        elif block.kind == "module" and (folder := folder_of(module.path, block)):
            inputs = {name: found(value, prefix) for name, value in block.body.attributes.items()}
            collect(load(folder), f"{prefix}module.{block.labels[0]}.", inputs, graph)


def waits(block: Block, prefix: str) -> set[str]:
    names = {name for value in block.body.attributes.values() for name in found(value, prefix)}
    return names.union(*(waits(inner, prefix) for inner in block.body.blocks))


def found(value: object, prefix: str) -> set[str]:
    names = {match for text in strings(value) for match in WAITS_FOR.findall(text)}
    return {f"{prefix}{root}.output.{name}" if root.startswith("module.") else f"{prefix}{root}.{name}" for root, name in names}
