"""A night of every table of the published schema: all at once beside one after the other. See scripts/night.

    night.py PROGRAM FOLDER MEGABYTES
"""

import json
import os
import random
import sys
import uuid

from backfill import backfill

SCHEMA = "fixtures/schema/2025-08-28.json"
SEED = 17
# The table that is half of the night, as it is with those who use the program.
LARGEST = "signatures"
# Rows of a table that are made up; further ones repeat them under other ids.
ROWS_MADE = 500
# Against the peak memory of the largest single run.
PEAK_RATIO_MAX = 1.25
NIGHT = "20260301031500"


def value(made, name, sql_type):
    """A field of this type, as PostgreSQL writes it into a CSV."""
    if made.random() < 0.1:
        return ""
    moment = f"2025-{made.randint(1, 12):02}-{made.randint(1, 28):02} {made.randint(0, 23):02}:15:30.{made.randint(1, 999999):06}"
    kind = sql_type.split("(")[0]
    if kind in ("integer", "bigint"):
        return str(made.randint(0, 2**31 - 1))
    if kind == "boolean":
        return made.choice("tf")
    if kind.startswith("timestamp"):
        return moment
    if kind == "numeric":
        precision, scale = (int(part) for part in sql_type[8:-1].split(","))
        return f"{made.randint(0, 10 ** (precision - scale) - 1)}.{made.randint(0, 10**scale - 1):0{scale}}"
    if kind in ("jsonb", "hstore"):
        pair = '""name"": ""{}""' if kind == "jsonb" else '""name""=>""{}""'
        text = pair.format(f"{made.getrandbits(64):x}")
        return f'"{{{text}}}"' if kind == "jsonb" else f'"{text}"'
    if kind == "uuid":
        return str(uuid.UUID(int=made.getrandbits(128)))
    if kind == "geography":
        return "0101000020E6100000" + f"{made.getrandbits(128):032X}"
    if kind == "text":
        return '"' + " ".join(f"{made.getrandbits(40):x}" for _ in range(12)) + ',\n""so""."'
    if kind == "character varying":
        width = int(sql_type.split("(")[1][:-1]) if "(" in sql_type else 24
        return f"{made.getrandbits(96):x}"[: min(width, made.randint(1, 24))]
    raise SystemExit(f"{name}: no values of type {sql_type}")


def write_export(folder, made, table, size):
    """An export of about so many bytes: rows that differ in their id."""
    columns = table["columns"]
    path = f"{folder}/exports/full/{table['name']}/{NIGHT[:8]}/{table['name']}_{NIGHT}.csv"
    os.makedirs(os.path.dirname(path))
    rows = []
    for _ in range(ROWS_MADE):
        fields = [None if name == "id" else value(made, name, column["sql_type"]) for name, column in columns.items()]
        at = fields.index(None) if None in fields else None
        before = "".join(field + "," for field in (fields[:at] if at is not None else fields[:-1]))
        after = "".join("," + field for field in fields[at + 1 :]) if at is not None else fields[-1]
        rows.append((before, after))
    with_id = "id" in columns
    with open(path, "w", encoding="utf-8") as file:
        written = file.write(",".join(columns) + "\n")
        number = 0
        while written < size:
            before, after = rows[number % ROWS_MADE]
            number += 1
            written += file.write(f"{before}{number}{after}\n" if with_id else f"{before}{after}\n")
    return os.path.getsize(path)


def content(reports):
    """What each table holds: rows, and each column's sums."""
    return {report["table"]: (report["rows"], report["columns"]) for report in reports}


def main(program, folder, megabytes):
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    with open(f"{folder}/schema.json", "w", encoding="utf-8") as file:
        json.dump(schema, file)
    made, total = random.Random(SEED), int(megabytes) * 1_000_000
    tables = sorted((entry["table"] for entry in schema["tables"]), key=lambda table: table["name"])
    # The others share the other half: each weighs four fifths of the one before it.
    others = [table for table in tables if table["name"] != LARGEST]
    made.shuffle(others)
    weights = [0.8**place for place in range(len(others))]
    sizes = {table["name"]: int(total / 2 * weight / sum(weights)) for table, weight in zip(others, weights)}
    sizes[LARGEST] = total // 2
    stored = sum(write_export(folder, made, table, sizes[table["name"]]) for table in tables)
    single, one_by_one = {}, []
    for table in tables:
        seconds, usage, reports = backfill(program, folder, ["--table", table["name"], "--to", "single"])
        single[table["name"]] = (seconds, usage.ru_maxrss << 10)
        one_by_one += reports
    seconds, usage, at_once = backfill(program, folder, ["--all", "--to", "all"])
    peak = usage.ru_maxrss << 10
    differing = [name for name, held in content(one_by_one).items() if content(at_once).get(name) != held]
    summed, largest = sum(time for time, _ in single.values()), max(peak for _, peak in single.values())
    print(f"{len(tables)} tables, {stored / 1e6:.0f} MB of CSV, {sum(report['rows']['loaded'] for report in at_once):,} rows")
    print("\n| | seconds | peak memory |\n|---|---|---|")
    print(f"| one run after the other | {summed:.1f} | {largest / 2**20:.0f} MiB (the largest) |")
    print(f"| `backfill --all` | {seconds:.1f} | {peak / 2**20:.0f} MiB |")
    print(f"| ratio | {seconds / summed:.2f} | {peak / largest:.2f} |")
    if differing:
        raise SystemExit(f"these tables differ: {', '.join(differing)}")
    if peak > PEAK_RATIO_MAX * largest:
        raise SystemExit(f"all at once take more than {PEAK_RATIO_MAX} times the memory of the largest single run")


if __name__ == "__main__":
    main(*sys.argv[1:])
