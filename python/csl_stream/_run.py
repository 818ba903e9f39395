"""Runs the program and reads what it prints."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union, cast

from csl_stream._program import find_program
from csl_stream._types import Report

Argument = Union[str, "os.PathLike[str]"]


class Failed(Exception):
    """The program ended with another exit code than 0."""

    exit_code: int
    """2 wrong usage or configuration, 3 no access, 4 schema, 5 rejects, 6 counts, 7 transient, 130 interrupted."""
    message: str
    """What it said on standard error: the error, and what helps."""
    documents: list[Any]
    """What it had printed by then; of a failed load, its report."""

    def __init__(self, exit_code: int, message: str, documents: list[Any]) -> None:
        super().__init__(f"csl-stream ended with exit code {exit_code}: {message}")
        self.exit_code, self.message, self.documents = exit_code, message, documents

    @property
    def is_transient(self) -> bool:
        """Whether running it again may help."""
        return self.exit_code == 7


def run(
    *arguments: Argument,
    cwd: Optional[Argument] = None,
    env: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
) -> list[Any]:
    """Runs `csl-stream --json --quiet ARGUMENTS…`, and gives back the JSON documents that it prints.

    :param env: the whole environment, in place of this process's own.
    :param timeout: seconds, after which the program is killed: a load that was under way changes nothing.
    :raises Failed: if it fails.
    :raises subprocess.TimeoutExpired: if it takes longer than `timeout`.
    """
    command = [find_program(), "--json", "--quiet", *(os.fspath(argument) for argument in arguments)]
    ended = subprocess.run(
        command, cwd=cwd, env=env, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8"
    )
    documents = _documents(ended.stdout)
    if ended.returncode != 0:
        raise Failed(ended.returncode, ended.stderr.strip(), documents)
    return documents


def backfill(
    table: str,
    *arguments: Argument,
    exports: Optional[Argument] = None,
    schema: Optional[Argument] = None,
    to: Optional[Argument] = None,
    cwd: Optional[Argument] = None,
    env: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
) -> Report:
    """Loads the newest export of a table, and gives back the run report.

    What is not given comes from the environment or csl-stream.toml. Of `--kind incremental`, which may load several
    exports, `run` gives all reports back; this is the last.

    :raises Failed: if it fails, with the report in `documents`.
    """
    flags = _flags({"--exports": exports, "--schema": schema, "--to": to})
    return _report(run("backfill", "--table", table, *flags, *arguments, cwd=cwd, env=env, timeout=timeout))


def convert(
    table: str,
    inputs: Sequence[Argument],
    out: Argument,
    *arguments: Argument,
    schema: Optional[Argument] = None,
    cwd: Optional[Argument] = None,
    env: Optional[Mapping[str, str]] = None,
    timeout: Optional[float] = None,
) -> list[Report]:
    """Converts exports to Parquet without loading them; one report for each.

    :raises Failed: if one fails.
    """
    flags = _flags({"--out": out, "--schema": schema})
    words = ["convert", "--table", table, *flags, *arguments, "--", *inputs]
    return cast("list[Report]", run(*words, cwd=cwd, env=env, timeout=timeout))


def _flags(values: Mapping[str, Optional[Argument]]) -> list[Argument]:
    return [word for flag, value in values.items() if value is not None for word in (flag, value)]


def _documents(text: str) -> list[Any]:
    """Documents one after the other, whatever stands between them."""
    decoder, at, documents = json.JSONDecoder(), 0, []
    while (at := len(text) - len(text[at:].lstrip())) < len(text):
        document, at = decoder.raw_decode(text, at)
        documents.append(document)
    return documents


def _report(documents: list[Any]) -> Report:
    if not documents:
        raise Failed(0, "it printed no report", documents)
    return cast(Report, documents[-1])
