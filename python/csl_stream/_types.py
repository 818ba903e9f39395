"""The run report as the program writes it: `docs/reference/run-report.md` says what each field is."""

from typing import Any, Optional, TypedDict


class Source(TypedDict):
    """The export."""

    uri: str
    etag: Optional[str]
    digest: Optional[str]
    bytes: Optional[int]
    compression: Optional[str]


class Rows(TypedDict, total=False):
    """Counts of records."""

    read: int
    accepted: int
    rejected: int
    erased: int
    truncated_values: int
    carried_over: int
    loaded: int


class File(TypedDict):
    """A Parquet file that was written."""

    uri: str
    rows: int
    bytes: int


class Column(TypedDict, total=False):
    """What a column holds."""

    name: str
    nulls: int
    empties: int
    bytes: int
    min: Any
    max: Any
    sum: Any
    truncated: int
    privacy: str


class Changes(TypedDict, total=False):
    """What changed in the table, and beside the last full load."""

    added_columns: list[Any]
    widened_columns: list[Any]
    rows_before: Optional[int]
    drift: list[Any]


class Reject(TypedDict, total=False):
    """A record that was refused, and why."""

    record: int
    line: int
    byte: int
    column: Optional[str]
    rule: str
    value: Optional[str]
    value_bytes: int


class Rejects(TypedDict, total=False):
    """Where rejected records are, and the first of them."""

    uri: Optional[str]
    first: list[Reject]


class Seconds(TypedDict, total=False):
    """How long it took."""

    total: float
    convert: float
    load: float


class Span(TypedDict):
    """From when to when, in seconds since the run began."""

    began: float
    ended: float


class Stages(TypedDict, total=False):
    """The stages that the run came to; they overlap."""

    find: Span
    read: Span
    convert: Span
    stage: Span
    copy: Span
    commit: Span


class Report(TypedDict, total=False):
    """A run. Fields may come with a newer program; none goes."""

    load_id: str
    table: str
    kind: str
    status: str
    source: Source
    rows: Rows
    files: list[File]
    columns: list[Column]
    changes: Changes
    rejects: Rejects
    warnings: list[str]
    seconds: Seconds
    stages: Stages
    error: Optional[str]
    exit_code: int
