"""What the policies allow = what the program calls, role by role.

    docs/aws-calls.toml ──▶ actions of each role ─┐
                                                  ├─ equal
    aws_iam_role_policy ─▶ policy documents ──────┘

Besides: no action with a wildcard, no `*` for a resource without a condition.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from check_schema import blocks
from source import Block, Module, literals, strings

# Roles whose code is not ours: it is run with what it was run with before.
NOT_OURS = {"loader_lambda_role"}
# Who loads: they are allowed what is listed for `load`, in the document of that name.
LOADERS = {"worker", "task"}


def wanted(path: Path) -> dict[str, set[str]]:
    """Actions of each role, by the list."""
    calls = tomllib.loads(path.read_text())
    listed = [({entry["action"]}, entry["roles"]) for sdk in calls["sdk"] for entry in sdk["operations"].values()]
    listed += [(set(entry["actions"]), entry["roles"]) for entry in calls["store"] + calls["platform"]]
    roles: dict[str, set[str]] = {}
    for actions, names in listed:
        for name in names:
            roles.setdefault(name, set()).update(actions)
    load = roles.pop("load", set())
    return {name: actions | (load if name in LOADERS else set()) for name, actions in roles.items()}


def check(module: Module, calls: Path) -> list[str]:
    documents = {block.labels[1]: block for _, block in module.of("data") if block.labels[0] == "aws_iam_policy_document"}
    policies = [block for _, block in module.of("resource") if block.labels[0] == "aws_iam_role_policy"]
    allowed: dict[str, set[str]] = {}
    faults = []
    for policy in policies:
        role = reference(policy, "role", "aws_iam_role")
        if role in NOT_OURS:
            continue
        name = reference(policy, "policy", "data.aws_iam_policy_document")
        actions, found = of_document(name, documents)
        allowed.setdefault(role, set()).update(actions)
        faults += [f"{role}: {fault}" for fault in found]
    return faults + compare(allowed, wanted(calls))


def compare(allowed: dict[str, set[str]], needed: dict[str, set[str]]) -> list[str]:
    faults = []
    for role in sorted(allowed.keys() | needed.keys()):
        has, needs = allowed.get(role, set()), needed.get(role, set())
        faults += [f"{role}: {action} is allowed, and no call needs it" for action in sorted(has - needs)]
        faults += [f"{role}: {action} is called, and not allowed" for action in sorted(needs - has)]
    return faults


def reference(block: Block, attribute: str, kind: str) -> str:
    """The name in `kind.name`, wherever it stands in the attribute."""
    text = " ".join(strings(block.body.attributes[attribute]))
    return re.search(rf"{re.escape(kind)}\.(\w+)", text).group(1)


def of_document(name: str, documents: dict[str, Block]) -> tuple[set[str], list[str]]:
    """The actions of a document and of those that it is made of, and what is wrong with it."""
    body, actions, faults = documents[name].body, set(), []
    parts = " ".join(strings(body.attributes.get("source_policy_documents", [])))
    for part in re.findall(r"data\.aws_iam_policy_document\.(\w+)", parts):
        more, found = of_document(part, documents)
        actions |= more
        faults += found
    for kind, statement in blocks(body):
        if kind != "statement":
            continue
        named = set(literals(statement.attributes["actions"]))
        actions |= named
        where = f"statement {literals(statement.attributes.get('sid', ['']))} of {name}"
        faults += [f"{where}: {action} has a wildcard" for action in sorted(named) if "*" in action]
        anywhere = "*" in literals(statement.attributes["resources"])
        if anywhere and not statement.of("condition"):
            faults.append(f"{where}: any resource, and no condition")
    return actions, faults
