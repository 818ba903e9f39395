"""The environment variables that the module sets = those that the program reads.

They stand in docs/reference/configuration.md, which tests/docs.rs compares with the program.
"""

from __future__ import annotations

import re
from pathlib import Path

from source import Module

# Keys that the module has no use for, and why.
NOT_SET = {
    "CSL_EXPORTS_ROOT": "a message names its export",
    "CSL_WAREHOUSE_KEEP_VERSIONS": "of the local warehouse",
    "CSL_WAREHOUSE_REPORT_DAYS": "of the local warehouse",
    "CSL_STAGING_DAYS": "its default; the staging bucket's lifecycle rule may be shorter",
    "CSL_QUEUE_DEAD_LETTER_DAYS": "of the local queue",
    "CSL_WEBHOOK_LISTEN": "in Lambda nobody listens on a port",
    "CSL_WEBHOOK_SECRETS": "a secret stands in Secrets Manager",
    "CSL_WEBHOOK_SECRET_FILE": "a secret stands in Secrets Manager",
    "CSL_WEBHOOK_TRUSTED_HOPS": "API Gateway itself says who the caller is",
    "CSL_QUEUE_PATH": "of the local queue",
    "CSL_GLUE_WAIT_MINUTES": "its default is what a function has time for",
    "CSL_STAGING_SSE": "the staging bucket of the module encrypts by itself",
    "CSL_STAGING_KMS_KEY": "the staging bucket of the module encrypts by itself",
    "CSL_METRICS_LISTEN": "in Lambda nobody listens on a port",
    "CSL_STATUS_LISTEN": "in Lambda nobody listens on a port",
    "CSL_STATUS_TOKEN_FILE": "in Lambda nobody listens on a port",
    "CSL_LOAD_SHRINK_MAX_PERCENT": "its default; a table that is to shrink is loaded once by hand, with --allow-shrink",
    "CSL_LOAD_RECENT_HOURS": "its default is as long as an export can be read",
    "CSL_LOAD_EVOLVE": "its default: tables follow the schema, or the message waits for their owner",
    "CSL_LOAD_UNKNOWN_COLUMNS": "its default; what the schema lacks is looked at by a person",
    "CSL_LOAD_MISSING_COLUMNS": "its default; what the file lacks is looked at by a person",
    "CSL_LOAD_REPORT_VALUES": "its default; a service's reports hold no values",
    "CSL_CLUSTER_SCHEDULER": "the module loads on one machine: the programs of its releases know no cluster",
    "CSL_CLUSTER_TLS": "the module loads on one machine: the programs of its releases know no cluster",
    "CSL_CLUSTER_INSECURE": "the module loads on one machine: the programs of its releases know no cluster",
    "CSL_CLUSTER_EXECUTOR_TIMEOUT_SECONDS": "the module loads on one machine: the programs of its releases know no cluster",
    "CSL_CLUSTER_WAIT_SECONDS": "the module loads on one machine: the programs of its releases know no cluster",
    "CSL_PRIVACY_SECRET_FILE": "the key stands in Secrets Manager",
}
# Variables that are no key of the configuration: src/telemetry.rs.
NO_KEYS = {"CSL_LOG", "CSL_LOG_FORMAT"}


def keys(source: str) -> set[str]:
    """The variables of all keys, as the program names them."""
    return set(re.findall(r"^\| `[a-z_.]+` \| `(CSL_[A-Z_]+)` \|", source, re.MULTILINE))


def check(module: Module, page: Path) -> list[str]:
    known = keys(page.read_text())
    set_here = {
        match
        for path in sorted(module.path.glob("*.tf"))
        for match in re.findall(r"^\s*(CSL_[A-Z_]+)\s*=", path.read_text(), re.MULTILINE)
    }
    faults = [f"{name} is set, and the program does not read it" for name in sorted(set_here - known - NO_KEYS)]
    faults += [
        f"{name} is a key that is neither set nor in the list of those that need not be"
        for name in sorted(known - set_here - NOT_SET.keys())
    ]
    faults += [f"{name} is set, and in the list of those that need not be" for name in sorted(set_here & NOT_SET.keys())]
    return faults + [f"{name} is in the list, and no key" for name in sorted(NOT_SET.keys() - known)]
