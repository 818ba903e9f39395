"""Reads Terraform files: their structure (python-hcl2), and the references in them (a small lexer).

    *.tf ──hcl2──▶ Body: attributes, blocks            what is written
         ──lexer─▶ Reference: `aws_x.y[0].arn`, line   what is meant by it

The lexer is our own because expressions are strings to python-hcl2, without lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import hcl2


@dataclass
class Body:
    """What stands between the braces of a block."""

    attributes: dict[str, object] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)

    def of(self, kind: str) -> list["Block"]:
        return [block for block in self.blocks if block.kind == kind]


@dataclass
class Block:
    """`kind "label" … { body }`."""

    kind: str
    labels: list[str]
    body: Body

    @property
    def name(self) -> str:
        return ".".join([self.kind, *self.labels])


@dataclass
class Reference:
    """`root.part[index].part`, where it stands, and in which block."""

    parts: list[str]
    line: int
    block: "Span"

    @property
    def text(self) -> str:
        return "".join(part if part.startswith("[") else "." + part for part in self.parts)[1:]


@dataclass
class Span:
    """A block at the top of a file, as the lexer sees it."""

    kind: str
    labels: list[str]
    line: int
    attributes: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)


@dataclass
class Module:
    """A folder of Terraform files."""

    path: Path
    blocks: list[tuple[Path, Block]]
    spans: list[tuple[Path, Span]]

    def of(self, kind: str) -> list[tuple[Path, Block]]:
        return [(path, block) for path, block in self.blocks if block.kind == kind]

    def references(self):
        for path, span in self.spans:
            for reference in span.references:
                yield path, reference


def load(folder: Path) -> Module:
    """Reads all `*.tf` of a folder."""
    blocks, spans = [], []
    for path in sorted(folder.glob("*.tf")):
        text = path.read_text()
        blocks += [(path, block) for block in parse(text, path)]
        spans += [(path, span) for span in scan(text, path)]
    return Module(folder, blocks, spans)


# Examples call the same module again and again, and the parser is slow.
@cache
def parse(text: str, path: Path) -> list[Block]:
    try:
        tree = hcl2.loads(text)
    except Exception as error:  # the parser's own errors have no common class
        raise SystemExit(f"{path}: is no HCL: {error}") from error
    return body_of(tree).blocks


def body_of(tree: dict) -> Body:
    body = Body()
    for name, value in tree.items():
        if name.startswith("__"):
            continue
        if is_blocks(value):
            body.blocks += [labelled(name, [], entry) for entry in value]
        else:
            body.attributes[name] = value
    return body


def is_blocks(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and marked(v) for v in value)


def marked(value: dict) -> bool:
    """Whether this is a block: the parser marks the innermost of its labels."""
    if "__is_block__" in value:
        return True
    inner = [v for v in value.values() if isinstance(v, dict)]
    return len(value) == 1 and len(inner) == 1 and marked(inner[0])


def labelled(kind: str, labels: list[str], value: dict) -> Block:
    if "__is_block__" in value:
        return Block(kind, labels, body_of(value))
    (label, inner), = value.items()
    return labelled(kind, [*labels, label.strip('"')], inner)


def strings(value: object) -> list[str]:
    """All texts in an attribute, quotes and `${}` removed where they stand around the whole."""
    if isinstance(value, list):
        return [text for entry in value for text in strings(entry)]
    if isinstance(value, dict):
        return [text for entry in value.values() for text in strings(entry)]
    return [str(value)]


def literals(value: object) -> list[str]:
    """The quoted texts in an attribute, whatever stands around them."""
    return [text for entry in strings(value) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', entry)]


# The lexer.

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
SPACE = " \t\r\n"


class Lexer:
    """Walks one file and notes blocks, their attributes and what they refer to."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.spans: list[Span] = []
        self.span: Span | None = None

    def run(self) -> list[Span]:
        while (self.skip(), self.at < len(self.text))[1]:
            self.block()
        return self.spans

    def skip(self) -> None:
        while self.at < len(self.text):
            rest = self.text[self.at : self.at + 2]
            if rest[0] in SPACE:
                self.step()
            elif rest[0] == "#" or rest == "//":
                while self.at < len(self.text) and self.text[self.at] != "\n":
                    self.step()
            elif rest == "/*":
                end = self.text.index("*/", self.at) + 2
                while self.at < end:
                    self.step()
            else:
                return

    def step(self) -> str:
        char = self.text[self.at]
        self.line += char == "\n"
        self.at += 1
        return char

    def block(self) -> None:
        """A block at the top: `kind "label" {`, and all up to its `}`."""
        match = NAME.match(self.text, self.at)
        if not match:
            raise SystemExit(f"line {self.line}: a block should begin here: {self.text[self.at:self.at + 20]!r}")
        self.span = Span(match.group(), [], self.line)
        self.spans.append(self.span)
        self.at = match.end()
        self.skip()
        while self.text[self.at] == '"':
            end = self.text.index('"', self.at + 1)
            self.span.labels.append(self.text[self.at + 1 : end])
            self.at = end + 1
            self.skip()
        self.step()
        self.expression("}", top=True)

    def expression(self, closing: str, top: bool = False) -> None:
        """Everything up to the bracket that closes it."""
        while True:
            self.skip()
            char = self.text[self.at]
            if char == closing:
                self.step()
                return
            if char in "([{":
                self.step()
                self.expression({"(": ")", "[": "]", "{": "}"}[char])
            elif char == '"':
                self.quoted()
            elif self.text.startswith("<<", self.at):
                self.heredoc()
            elif NAME.match(self.text, self.at):
                self.name(top)
            else:
                self.step()

    def name(self, top: bool) -> None:
        """A name: an attribute, a function, a key, or the root of a reference."""
        line, parts = self.line, [self.word()]
        while self.at < len(self.text):
            if self.text[self.at] == "." and NAME.match(self.text, self.at + 1):
                self.at += 1
                parts.append(self.word())
            elif self.text.startswith("[*]", self.at):
                self.at += 3
                parts.append("[*]")
            elif self.text[self.at] == "[":
                start = self.at
                self.step()
                self.expression("]")
                parts.append(self.text[start : self.at])
            else:
                break
        if len(parts) > 1:
            self.span.references.append(Reference(parts, line, self.span))
        elif top:
            self.skip()
            if re.match(r"=(?!=)", self.text[self.at : self.at + 2]):
                self.span.attributes.add(parts[0])

    def word(self) -> str:
        match = NAME.match(self.text, self.at)
        self.at = match.end()
        return match.group()

    def quoted(self) -> None:
        self.step()
        while True:
            if self.text.startswith(("$${", "%%{"), self.at):
                self.at += 3
            elif self.text.startswith(("${", "%{"), self.at):
                self.at += 2
                self.expression("}")
            elif self.text[self.at] == "\\":
                self.at += 2
            elif self.step() == '"':
                return

    def heredoc(self) -> None:
        match = re.compile(r"<<-?([A-Za-z_]+)\n").match(self.text, self.at)
        end = re.compile(rf"^\s*{match.group(1)}$", re.MULTILINE).search(self.text, match.end())
        while self.at < end.start():
            if self.text.startswith("${", self.at) and self.text[self.at - 1] != "$":
                self.at += 2
                self.expression("}")
            else:
                self.step()
        self.at = end.end()


@cache
def scan(text: str, path: Path) -> list[Span]:
    try:
        return Lexer(text).run()
    except IndexError as error:
        raise SystemExit(f"{path}: ends too early") from error
