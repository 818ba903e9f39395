"""check.py OUT TRUTH: compares a Parquet output with the truth that the maker of the data wrote; prints what differs.

A process of its own: a child's peak memory is never below that of the process that started it.
"""
import glob
import json
import os
import sys


def files(out):
    """The Parquet files of an output, a file or a folder."""
    return sorted(glob.glob(f"{out}/**/*.parquet", recursive=True)) if os.path.isdir(out) else [out]


def expressions(name, sql_type, have):
    """SQL of (not NULL, empty, bytes, newlines, sum) for a column that the file holds as the type `have`."""
    column = f'"{name}"'
    total = "0"
    if sql_type in ("integer", "bigint"):
        total = column
    elif sql_type == "boolean":
        total = f"CAST({column} AS INTEGER)"
    elif sql_type.startswith("timestamp"):
        total = f"epoch_us(CAST({column} AS TIMESTAMP))"
    elif sql_type.startswith("numeric"):
        total = f"CAST(round({column} * 100) AS BIGINT)"
    if total != "0":
        return [f"count({column})", "0", "0", "0", f"coalesce(sum({total}), 0)"]
    text = f"decode({column})" if have == "BLOB" else f"CAST({column} AS VARCHAR)"
    newlines = f"strlen({text}) - strlen(replace({text}, chr(10), ''))"
    sums = [f"coalesce(sum({x}), 0)" for x in (f"strlen({text})", newlines)]
    return [f"count({column})", f"count(*) FILTER (WHERE {text} = '')", *sums, "0"]


def check(out, truth_file):
    """What differs, in words; nothing if the output holds exactly what it should."""
    import duckdb

    with open(truth_file, encoding="utf-8") as file:
        truth = json.load(file)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"CREATE VIEW output AS FROM read_parquet({files(out)})")
        have = {row[0]: row[1] for row in db.execute("DESCRIBE output").fetchall()}
        missing = [c["name"] for c in truth["columns"] if c["name"] not in have]
        if missing:
            return f"columns are missing: {', '.join(missing)}"
        wanted = [(c, expressions(c["name"], c["type"], have[c["name"]])) for c in truth["columns"]]
        select = ", ".join(expression for _, five in wanted for expression in five)
        rows, *got = db.execute(f"SELECT count(*), {select} FROM output").fetchone()
    if rows != truth["rows"]:
        return f"{rows} rows, {truth['rows']} expected"
    faults = []
    for at, (column, _) in enumerate(wanted):
        keys = ("not_null", "empty", "bytes", "newlines", "sum")
        faults += [f"{column['name']}: {key} {int(value)}, {column[key]} expected"
                   for key, value in zip(keys, got[5 * at:5 * at + 5]) if int(value) != int(column[key])]
    return summary(faults)


def summary(faults):
    """Many columns often have one cause."""
    if not faults:
        return ""
    columns = {fault.split(":")[0] for fault in faults}
    lost_empties = all(": not_null" in fault or ": empty 0," in fault for fault in faults)
    what = 'reads "" as NULL' if lost_empties else faults[0]
    return f"{what} ({len(columns)} columns differ)"


if __name__ == "__main__":
    print(check(*sys.argv[1:]))
