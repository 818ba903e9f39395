"""csl-stream from Python: runs the program of this package, and gives its reports back.

    import csl_stream

    report = csl_stream.backfill("signatures", exports="./exports/my-org", schema="schema.json", to="./warehouse")
    print(report["rows"]["loaded"])

Everything that the command line can is `run`; `Failed` says what went wrong as the program does.
"""

from csl_stream._program import find_program
from csl_stream._run import Failed, backfill, convert, run
from csl_stream._types import Changes, Column, File, Reject, Rejects, Report, Rows, Seconds, Source

__all__ = [
    "Changes",
    "Column",
    "Failed",
    "File",
    "Reject",
    "Rejects",
    "Report",
    "Rows",
    "Seconds",
    "Source",
    "backfill",
    "convert",
    "find_program",
    "run",
]
