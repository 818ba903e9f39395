"""Checks the Terraform module and its examples without a provider.

    main.py TERRAFORM_FOLDER [--write]

Prints each fault with its file, and ends with 1 if there is one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import check_cycles
import check_declarations
import check_environment
import check_iam
import check_readme
import check_references
import check_schema
import check_tests
import source


def main() -> int:
    folder, write = Path(sys.argv[1]), "--write" in sys.argv[2:]
    project = Path(__file__).resolve().parents[2]
    faults = []
    examples = sorted({path.parent for path in folder.glob("examples/**/*.tf")})
    for path in [folder, *examples]:
        module = source.load(path)
        found = check_schema.check(module) + check_references.check(module)
        found += check_cycles.check(module) + check_declarations.check(module)
        if path == folder:
            found += check_iam.check(module, project / "docs/aws-calls.toml")
            found += check_environment.check(module, project / "docs/reference/configuration.md")
            found += check_tests.check(module)
            found += check_readme.check(module, write)
        faults += [f"{path}: {fault}" for fault in found]
        print(f"{path}: {len(module.blocks)} blocks, {len(found)} faults")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
