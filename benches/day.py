"""A day of incremental exports, one a minute and table, and a reader beside. See scripts/day.

    day.py PROGRAM FOLDER MINUTES TABLES RATIO
"""

import json
import os
import random
import statistics
import sys
import threading
import time

import pyarrow.parquet as parquet
from backfill import backfill

SEED = 17
# Rows of a full export, and of one minute.
FULL_ROWS = 20_000
MINUTE_ROWS = 20
# So many of the first and of the last minutes are compared.
COMPARED = 20
TYPES = {"id": "bigint", "at": "timestamp without time zone", "email": "character varying(255)", "amount": "numeric(9,2)", "open": "boolean", "note": "text"}
# The rest of the width of a real table.
EXTRA = 14
COLUMNS = list(TYPES) + [f"column_{number}" for number in range(EXTRA)]


def row(made, number, moment):
    """A row by its number: the id is the number, and `amount` and `email` follow from it."""
    note = "" if made.random() < 0.5 else '"' + " ".join(f"{made.getrandbits(32):x}" for _ in range(4)) + ',"'
    extra = ["" if made.random() < 0.6 else f"{made.getrandbits(24)}" for _ in range(EXTRA)]
    return ",".join([str(number), moment, f"p{number}@example.org", f"{number % 9_999_999}.{number % 100:02}", "tf"[number % 2], note, *extra])


def write_export(folder, kind, table, stamp, rows):
    """An export of these rows."""
    path = f"{folder}/exports/{kind}/{table}/{stamp[:8]}/{table}_{stamp}.csv"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        file.writelines(line + "\n" for line in rows)


def load(program, folder, kind, tables):
    """One run over all tables."""
    words = ["--kind", kind, "--to", "warehouse"]
    return backfill(program, folder, words + [word for table in tables for word in ("--table", table)])


def files_of(folder, table):
    """The files of a table as a reader finds them: the version first, then what is in it."""
    version = os.path.realpath(f"{folder}/warehouse/{table}/current")
    return sorted(f"{version}/{name}" for name in os.listdir(version) if name.endswith(".parquet"))


def read(files, columns):
    """Columns of files, those after each other. All are opened before one is read."""
    opened = [open(name, "rb") for name in files]
    try:
        found = [parquet.ParquetFile(file).read(columns) for file in opened]
    finally:
        for file in opened:
            file.close()
    return {name: [value for table in found for value in table.column(name).to_pylist()] for name in columns}


class Reader(threading.Thread):
    """Reads one table after the other, over and over, and notes what is wrong."""

    def __init__(self, folder, tables):
        super().__init__(daemon=True)
        self.folder, self.tables, self.ended = folder, tables, threading.Event()
        self.reads, self.wrong = 0, []

    def run(self):
        least = dict.fromkeys(self.tables, 0)
        while not self.ended.wait(0.05):
            for table in self.tables:
                try:
                    ids = read(files_of(self.folder, table), ["id"])["id"]
                except FileNotFoundError:
                    # Two versions are kept, here for a second: who comes later than that resolves the table again.
                    continue
                self.reads += 1
                if len(ids) < least[table] or (len(ids) - FULL_ROWS) % MINUTE_ROWS or sorted(ids) != list(range(len(ids))):
                    self.wrong.append(f"{table}: {len(ids)} rows")
                least[table] = len(ids)


def check(folder, table, rows):
    """What a table holds that was not sent, or not as it was; none if all is well."""
    held = read(files_of(folder, table), ["id", "email", "amount", "open"])
    if held["id"] != list(range(rows)):
        return f"{table}: {len(held['id'])} rows, or in another order; {rows} were sent"
    for number in range(rows):
        sent = (f"p{number}@example.org", f"{number % 9_999_999}.{number % 100:02}", number % 2 == 0)
        found = (held["email"][number], str(held["amount"][number]), held["open"][number])
        if sent != found:
            return f"{table}: row {number} is {found}, sent was {sent}"
    return None


def compared(told, first, last, ratio):
    """Medians beside each other, and whether the last is within the ratio."""
    before, after = statistics.median(first), statistics.median(last)
    print(f"| {told} | {before:.3g} | {after:.3g} | {after / before:.2f} |")
    return after <= ratio * before


def main(program, folder, minutes, tables, ratio):
    minutes, ratio, made = int(minutes), float(ratio), random.Random(SEED)
    names = [f"table_{number}" for number in range(int(tables))]
    columns = {name: {"type": "string", "sql_type": TYPES.get(name, "integer")} for name in COLUMNS}
    with open(f"{folder}/schema.json", "w", encoding="utf-8") as file:
        json.dump({"tables": [{"table": {"name": name, "columns": columns}} for name in names]}, file)
    for name in names:
        write_export(folder, "full", name, "20260301000000", [row(made, number, "2026-02-28 12:00:00") for number in range(FULL_ROWS)])
    load(program, folder, "full", names)
    reader = Reader(folder, names)
    reader.start()
    seconds, busy, files, rows, written = [], [], [], FULL_ROWS, 0
    for minute in range(minutes):
        stamp = f"20260301{minute // 60 % 24:02}{minute % 60:02}30"
        moment = f"2026-03-01 {minute // 60 % 24:02}:{minute % 60:02}:15.25"
        for name in names:
            write_export(folder, "incremental", name, stamp, [row(made, rows + more, moment) for more in range(MINUTE_ROWS)])
        rows += MINUTE_ROWS
        took, usage, reports = load(program, folder, "incremental", names)
        if sum(report["rows"]["loaded"] for report in reports) != MINUTE_ROWS * len(names):
            raise SystemExit(f"minute {minute}: {[report['rows'] for report in reports]}")
        seconds.append(took)
        busy.append(usage.ru_utime + usage.ru_stime)
        written += sum(file["bytes"] for report in reports for file in report["files"])
        files.append(max(len(files_of(folder, name)) for name in names))
    reader.ended.set()
    reader.join()
    wrong = reader.wrong[:5] + [told for name in names if (told := check(folder, name, rows))]
    first, last = slice(0, COMPARED), slice(-COMPARED, None)
    print(f"{minutes} minutes of {len(names)} tables, {rows - FULL_ROWS:,} rows each, {written / 1e6:.1f} MB as they came; {reader.reads} reads")
    print(f"\n| a minute | first {COMPARED} | last {COMPARED} | ratio |\n|---|---|---|---|")
    compared("processor seconds, median", busy[first], busy[last], ratio)
    within = [compared("seconds, median", seconds[first], seconds[last], ratio), compared("files of a table, median", files[first], files[last], ratio)]
    print(f"\nseconds: mean {statistics.mean(seconds):.3f}, most {max(seconds):.3f}; files: most {max(files)}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    if not all(within):
        raise SystemExit(f"the last minutes take more than {ratio:g} times the first ones")


if __name__ == "__main__":
    main(*sys.argv[1:])
