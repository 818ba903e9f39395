"""Every resource, data source, argument and nested block is one that the provider knows; none is missing.

What the typings cannot say: that of several optional arguments one is needed, and which values are allowed.
"""

from __future__ import annotations

import difflib

from source import Block, Body, Module
from typings import Schema, names, schema

META = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle", "provisioner", "connection"}


def check(module: Module) -> list[str]:
    faults = []
    for kind in ("resource", "data"):
        for path, block in module.of(kind):
            where = f"{path.name}: {block.name}"
            faults += [f"{where}: {fault}" for fault in of_block(kind, block)]
    return faults


def of_block(kind: str, block: Block) -> list[str]:
    type_ = block.labels[0]
    known = schema(kind, type_)
    if known is None:
        provider = type_.partition("_")[0]
        return [f"there is no {kind} {type_}{near(type_, names(kind, provider))}"]
    return of_body(known, known.top, block.body, top=True)


def of_body(known: Schema, struct: str, body: Body, top: bool = False) -> list[str]:
    arguments = known.structs[struct]
    faults, given = [], set()
    for name in body.attributes:
        if top and name in META:
            continue
        argument = arguments.get(name)
        if argument is None:
            faults.append(f"has no argument {name}{near(name, arguments)}")
        elif argument.is_block:
            faults.append(f"{name} is a block, not an argument")
        given.add(name)
    for name, inner in blocks(body):
        if top and name in META_BLOCKS:
            continue
        argument = arguments.get(name)
        if argument is None:
            faults.append(f"has no block {name}{near(name, arguments)}")
        elif not argument.is_block:
            faults.append(f"{name} is an argument, not a block")
        elif argument.struct:
            faults += [f"{name}: {fault}" for fault in of_body(known, argument.struct, inner)]
        given.add(name)
    missing = [name for name, argument in arguments.items() if argument.required and name not in given]
    return faults + [f"lacks {name}" for name in missing]


def blocks(body: Body):
    """Nested blocks, those that are made dynamically included."""
    for block in body.blocks:
        if block.kind == "dynamic":
            yield block.labels[0], block.body.of("content")[0].body
        else:
            yield block.kind, block.body


def near(word: str, known) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; {close[0]} was meant?" if close else ""
