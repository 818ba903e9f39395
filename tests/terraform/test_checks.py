"""Shows that each check can fail: a sound module has no faults, and each way of breaking it has the one named."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import check_cycles
import check_declarations
import check_environment
import check_iam
import check_readme
import check_references
import check_schema
import check_tests
from source import load

SOUND = """
variable "name" {
  description = "A name, for ${"everybody"}."
  type        = string
}

locals {
  names = { for key, value in toset([var.name]) : key => value if value != "aws_x.y" }
}

resource "aws_sqs_queue" "one" {
  name = local.names[var.name]
  tags = { Name = "a", other : "b" }
}

resource "aws_sqs_queue" "many" {
  count = length(var.name)

  name           = "${aws_sqs_queue.one.name}-${count.index}"
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.one.arn, maxReceiveCount = 3 })
}

data "aws_iam_policy_document" "each" {
  for_each = local.names

  dynamic "statement" {
    for_each = aws_sqs_queue.many[*].arn
    content {
      actions   = ["sqs:SendMessage"]
      resources = [statement.value, each.key, aws_sqs_queue.many[0].arn]
    }
  }
}

output "json" {
  description = "The policy."
  value       = data.aws_iam_policy_document.each["x"].json
}
"""

# What is replaced, by what, who must notice, and what is said.
BROKEN = [
    ('"aws_sqs_queue" "one"', '"aws_sqs_queu" "one"', check_schema, "there is no resource aws_sqs_queu; aws_sqs_queue was meant?"),
    ('data "aws_iam_policy_document"', 'data "aws_iam_policy_paper"', check_schema, "there is no data aws_iam_policy_paper"),
    ("tags = {", "tag = {", check_schema, "has no argument tag; tags was meant?"),
    ("redrive_policy =", "redrive_polity =", check_schema, "has no argument redrive_polity; redrive_policy was meant?"),
    ('tags = { Name = "a", other : "b" }', 'tags {\n Name = "a"\n }', check_schema, "tags is an argument, not a block"),
    ('dynamic "statement"', 'dynamic "statements"', check_schema, "has no block statements; statement was meant?"),
    ("actions   =", "action   =", check_schema, "statement: has no argument action"),
    ('"aws_sqs_queue" "one" {', '"aws_lambda_function" "one" {', check_schema, "lacks function_name"),
    ("toset([var.name])", "toset([var.nam])", check_references, "var.nam: is not declared"),
    ("local.names[var.name]", "local.name[var.name]", check_references, "local.name[var.name]: is not declared"),
    ("${aws_sqs_queue.one.name}", "${aws_sqs_queue.two.name}", check_references, "aws_sqs_queue.two.name: is not declared"),
    ("= aws_sqs_queue.one.arn", "= aws_sqs_queue.one.arm", check_references, "aws_sqs_queue gives no arm"),
    ("= aws_sqs_queue.one.arn", "= aws_sqs_queue.one[0].arn", check_references, "has an index, but there is only one"),
    ("aws_sqs_queue.many[0].arn", "aws_sqs_queue.many.arn", check_references, "lacks an index"),
    ("count.index", "each.key", check_references, "each.key: stands in a block without for_each"),
    ("each.key", "each.name", check_references, "each.name: is unknown"),
    ('["x"].json', '["x"].jsn', check_references, "aws_iam_policy_document gives no jsn"),
    ("data.aws_iam_policy_document.each[", "data.aws_iam_policy_document.eac[", check_references, "is not declared"),
    ("${aws_sqs_queue.one.name}", "${module.a.b}", check_references, "module.a.b: is not declared"),
    ("value       = data", "value       = \"x\" # data", check_references, "data.aws_iam_policy_document.each is declared and never used"),
    ("var.name", '"x"', check_references, "var.name is declared and never used"),
    ('output "json"', 'moved {\n from = aws_sqs_queue.old\n to = aws_sqs_queue.gone\n}\noutput "json"', check_references, "aws_sqs_queue.gone: is not declared"),
    ('output "json"', 'removed {\n from = aws_sqs_queue.one\n}\noutput "json"', check_references, "aws_sqs_queue.one: is still declared"),
    ('output "json"', 'import {\n to = aws_sqs_queue.gone\n id = "x"\n}\noutput "json"', check_references, "aws_sqs_queue.gone: is not declared"),
    ('output "json"', 'removed {\n from = aws_sqs_queu.one\n}\noutput "json"', check_references, "there is no resource aws_sqs_queu"),
    ("${aws_sqs_queue.one.name}", "${aws.west}", check_references, "aws.west: is no provider that is declared"),
    ("name = local.names[var.name]", "name = aws_sqs_queue.many[0].name", check_cycles, "waits for itself: aws_sqs_queue"),
    ("count = length(var.name)", "count = length(aws_sqs_queue.one.arn)", check_cycles, "aws_sqs_queue.many: its count waits for aws_sqs_queue.one"),
    ('  type        = string\n', "", check_declarations, "variable name lacks a type"),
    ('  description = "A name, for ${"everybody"}."\n', "", check_declarations, "variable name lacks a description"),
    ('  description = "The policy."\n', "", check_declarations, "output json lacks a description"),
    ("= string", "= number", check_declarations, "variable name is a number without limits"),
    ('"name" {', '"a_password" {', check_declarations, "is a secret and not sensitive"),
]

# These break SOUND besides, on purpose: the fault that is looked for is among several.
CALLER = """
module "inner" {
  source = "./inner"
  %s
}

output "json" {
  description = "The policy."
  value       = module.inner.%s
}
"""

IAM = """
resource "aws_iam_role_policy" "%(role)s" {
  role   = aws_iam_role.%(role)s[0].id
  policy = data.aws_iam_policy_document.%(role)s.json
}

data "aws_iam_policy_document" "%(role)s" {
  source_policy_documents = [data.aws_iam_policy_document.load.json]

  statement {
    actions   = ["sqs:ReceiveMessage"]
    resources = ["arn:x"]
  }
}

data "aws_iam_policy_document" "load" {
  dynamic "statement" {
    for_each = [1]
    content {
      actions   = ["s3:GetObject"]
      resources = [%(resource)s]
    }
  }
}
"""
CALLS = """
[[sdk]]
crate = "aws_sdk_sqs"
[sdk.operations]
receive_message = { action = "sqs:ReceiveMessage", roles = ["worker"] }
[[store]]
actions = ["s3:GetObject"]
roles = ["load"]
[[platform]]
actions = []
roles = ["worker"]
"""


class Made(unittest.TestCase):
    """A folder for each test."""

    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = Path(made.name)

    def module(self, text: str, name: str = "main.tf"):
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return load(file.parent)

    def says(self, faults: list[str], expected: str) -> None:
        self.assertTrue(any(expected in fault for fault in faults), f"{expected!r} is not among {faults}")


class Structure(Made):
    def test_a_sound_module_has_no_faults(self) -> None:
        module = self.module(SOUND)
        for check in (check_schema, check_references, check_cycles, check_declarations):
            self.assertEqual(check.check(module), [])

    def test_each_fault_is_found(self) -> None:
        for old, new, check, expected in BROKEN:
            with self.subTest(expected):
                self.assertIn(old, SOUND)
                self.says(check.check(self.module(SOUND.replace(old, new))), expected)

    def test_what_is_no_hcl_is_refused(self) -> None:
        for text in ('variable "x" {', 'resource "a" "b" { c = }', "x = 1 }"):
            with self.subTest(text), self.assertRaises((SystemExit, IndexError)):
                self.module(text)

    def test_calls_of_modules_are_compared_with_their_inputs_and_outputs(self) -> None:
        self.module(SOUND, "inner/main.tf")
        for given, output, expected in [
            ('name = "x"', "json", None),
            ("", "json", "lacks the input name"),
            ('name = "x"\n  size = 1', "json", "has no input size"),
            ('name = "x"', "yaml", "the module has no output yaml"),
        ]:
            with self.subTest(expected):
                module = self.module(CALLER % (given, output))
                faults = check_declarations.check(module) + check_references.check(module)
                self.says(faults, expected) if expected else self.assertEqual(faults, [])


    def test_a_module_that_waits_for_its_caller_is_found(self) -> None:
        self.module(SOUND, "inner/main.tf")
        call = CALLER % ("name = aws_sqs_queue.mine.name", "json")
        mine = 'resource "aws_sqs_queue" "mine" {\n  name = %s\n}\n'
        self.assertEqual(check_cycles.check(self.module(call + mine % '"x"')), [])
        self.says(check_cycles.check(self.module(call + mine % "module.inner.json")), "waits for itself")


class Tests(Made):
    RUN = 'run "it" {\n  command = plan\n  variables {\n    name = "x"\n  }\n  assert {\n    condition = aws_sqs_queue.one.name == output.json\n    error_message = "no"\n  }\n  expect_failures = [var.name]\n}\n'

    def test_plan_tests_speak_of_what_there_is(self) -> None:
        module = self.module(SOUND)
        file = self.folder / "tests" / "one.tftest.hcl"
        file.parent.mkdir()
        for old, new, expected in [
            ("", "", None),
            ('name = "x"', 'nam = "x"', "there is no input nam"),
            ("aws_sqs_queue.one.name", "aws_sqs_queue.two.name", "aws_sqs_queue.two.name: is not declared"),
            ("aws_sqs_queue.one.name", "aws_sqs_queue.one.nam", "aws_sqs_queue gives no nam"),
            ("output.json", "output.yaml", "output.yaml: is not declared"),
            ("[var.name]", "[var.nam]", "var.nam: is not declared"),
            ("command = plan\n", "", "does more than plan"),
        ]:
            with self.subTest(expected):
                file.write_text(self.RUN.replace(old, new))
                faults = check_tests.check(module)
                self.says(faults, expected) if expected else self.assertEqual(faults, [])


class Policies(Made):
    def faults(self, text: str = IAM, calls: str = CALLS, role: str = "worker", resource: str = '"arn:y"') -> list[str]:
        (self.folder / "calls.toml").write_text(calls)
        return check_iam.check(self.module(text % {"role": role, "resource": resource}), self.folder / "calls.toml")

    def test_policies_are_the_list(self) -> None:
        self.assertEqual(self.faults(), [])

    def test_each_fault_is_found(self) -> None:
        for change, expected in [
            ({"text": IAM.replace('"s3:GetObject"', '"s3:GetObject", "s3:PutObject"')}, "worker: s3:PutObject is allowed, and no call needs it"),
            ({"text": IAM.replace('"s3:GetObject"', '"s3:*"')}, "s3:* has a wildcard"),
            ({"calls": CALLS.replace('["s3:GetObject"]', '["s3:GetObject", "s3:ListBucket"]')}, "worker: s3:ListBucket is called, and not allowed"),
            ({"calls": CALLS.replace("sqs:ReceiveMessage", "sqs:SendMessage")}, "worker: sqs:ReceiveMessage is allowed"),
            ({"role": "stranger"}, "stranger: s3:GetObject is allowed, and no call needs it"),
            ({"resource": '"*"'}, "any resource, and no condition"),
        ]:
            with self.subTest(expected):
                self.says(self.faults(**change), expected)


class Environment(Made):
    KEYS = "".join(f"| `a.b` | `{name}` | | x |\n" for name in sorted(check_environment.NOT_SET))

    def faults(self, names: list[str], keys: str) -> list[str]:
        (self.folder / "page.md").write_text(self.KEYS + keys)
        text = "locals {\n" + "".join(f"  {name} = 1\n" for name in names) + "}\n"
        return check_environment.check(self.module(text), self.folder / "page.md")

    def test_variables_are_the_keys(self) -> None:
        keys = "| `work.tables` | `CSL_WORK_TABLES` | `signatures` | x |\n"
        self.assertEqual(self.faults(["CSL_WORK_TABLES", "CSL_LOG"], keys), [])
        self.says(self.faults(["CSL_WORK_TABLE"], keys), "CSL_WORK_TABLE is set, and the program does not read it")
        self.says(self.faults([], keys), "CSL_WORK_TABLES is a key that is neither set")
        self.says(self.faults(["CSL_QUEUE_PATH"], ""), "CSL_QUEUE_PATH is set, and in the list")
        self.KEYS = ""
        self.says(self.faults([], ""), "CSL_QUEUE_PATH is in the list, and no key")


class Readme(Made):
    def test_tables_are_written_and_compared(self) -> None:
        module = self.module(SOUND)
        readme = self.folder / "README.md"
        readme.write_text("# A module\n")
        self.says(check_readme.check(module), "lacks the place for inputs")
        places = [f"{check_readme.MARK.format(name)}\n{check_readme.END.format(name)}\n" for name in ("inputs", "outputs")]
        readme.write_text("".join(places))
        self.says(check_readme.check(module), "the tables are not those of the files")
        self.assertEqual(check_readme.check(module, write=True), [])
        self.assertEqual(check_readme.check(module), [])
        self.assertIn("| `name` |  | `string` | must be given |", readme.read_text())
        self.says(check_readme.check(self.module(SOUND.replace('"The policy."', '"It."'))), "the tables are not those")


if __name__ == "__main__":
    unittest.main()
