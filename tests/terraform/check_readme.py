"""The tables of inputs and outputs in the module's README are what its files say. `--write` writes them."""

from __future__ import annotations

from pathlib import Path

from source import Body, Module

MARK = "<!-- {}: written by `scripts/check-terraform --write` -->"
END = "<!-- end of {} -->"


def check(module: Module, write: bool = False) -> list[str]:
    readme = module.path / "README.md"
    text = readme.read_text()
    for name, table in (("inputs", inputs(module)), ("outputs", outputs(module))):
        start, end = MARK.format(name), END.format(name)
        if start not in text or end not in text:
            return [f"README.md: lacks the place for {name}: {start} … {end}"]
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}"
    if text == readme.read_text():
        return []
    if write:
        readme.write_text(text)
        return []
    return ["README.md: the tables are not those of the files; fix it with: scripts/check-terraform --write"]


def inputs(module: Module) -> str:
    """The old module's first; those that must be given before the others."""
    variables = [(path.name != "variables.tf", block.labels[0], block.body) for path, block in module.of("variable")]
    rows = [
        f"| `{name}` | {'' if new else 'kept'} | `{kind(body)}` | {default(body)} | {said(body)} |"
        for new, name, body in sorted(variables, key=lambda v: ("default" in v[2].attributes, v[0], v[1]))
    ]
    return "\n".join(["| input | | type | default | what it is |", "|---|---|---|---|---|", *rows])


def outputs(module: Module) -> str:
    rows = [f"| `{block.labels[0]}` | {said(block.body)} |" for _, block in module.of("output")]
    return "\n".join(["| output | what it is |", "|---|---|", *sorted(rows)])


def said(body: Body) -> str:
    return str(body.attributes["description"]).strip('"').replace('\\"', '"').replace("|", "\\|")


def kind(body: Body) -> str:
    type_ = str(body.attributes["type"]).removeprefix("${").removesuffix("}")
    return "object" if type_.startswith("object") else type_


def default(body: Body) -> str:
    if "default" not in body.attributes:
        return "must be given"
    value = body.attributes["default"]
    shown = {"null": "", "None": "", "True": "true", "False": "false"}.get(str(value), str(value))
    if isinstance(value, list):
        shown = "[" + ", ".join(map(str, value)) + "]"
    return f"`{shown}`" if shown else ""
