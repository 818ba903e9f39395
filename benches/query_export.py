"""SQL over an export as it lies there: csl-stream query --export beside DuckDB's read_csv.

    python=$(scripts/venv benches/compare/requirements.txt)
    $python benches/query_export.py signatures.csv --schema schema.json --table signatures [--rounds 5]

Each statement is asked of both in turn, round by round, on as many threads as there are cores. csl-stream is timed as
a whole process, its start included; of DuckDB only the statement, in a process that has imported it and connected.
DuckDB is given the types of the schema ("typed"), and once more all columns as text with a cast of those that the
statement names ("text"): read_csv casts no column that is not asked for in either. "Faster by" is the median of the
ratios within each round, with the faster of the two. The answers are compared.
"""
import argparse
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import time

# How DuckDB reads what PostgreSQL writes: see benches/compare/peers.py.
READ = """read_csv('{path}', columns={columns}, auto_detect=false, header=true, delim=',', quote='"', escape='"', nullstr='',
    allow_quoted_nulls=false, new_line='\\n', max_line_size=4194304, strict_mode=true, parallel=true,
    buffer_size=8000000)"""

# A process that has DuckDB ready: statements come in, the seconds and the rows of each go out.
DUCKDB = """
import json, sys, time
import duckdb
connection = duckdb.connect(config={"threads": int(sys.argv[1]), "preserve_insertion_order": False})
connection.execute("set enable_progress_bar = false")  # it would go between the answers
for line in sys.stdin:
    began = time.perf_counter()
    rows = connection.execute(json.loads(line)).fetchall()
    seconds = time.perf_counter() - began
    print(json.dumps([seconds, [[None if cell is None else str(cell) for cell in row] for row in rows]]), flush=True)
"""

STATEMENTS = [
    ("count", "select count(*) from {t}", []),
    ("filter", "select count(*) from {t} where country = 'GB' and created_at >= timestamp '2012-01-01'", ["created_at"]),
    (
        "three columns",
        "select country, count(*), sum(petition_id), max(created_at) from {t} group by country order by country nulls last",
        ["petition_id", "created_at"],
    ),
    (
        "three columns, as rows",
        "select sum(length(email)), max(id), max(updated_at) from (select email, id, updated_at from {t}) x",
        ["id", "updated_at"],
    ),
]


def duckdb_type(sql_type):
    """The column's type in DuckDB; what it has not is text."""
    for ours, theirs in [("integer", "INTEGER"), ("bigint", "BIGINT"), ("smallint", "SMALLINT"), ("boolean", "BOOLEAN"),
                         ("timestamp without", "TIMESTAMP"), ("date", "DATE"), ("numeric", sql_type)]:
        if sql_type.startswith(ours):
            return theirs
    return "VARCHAR"


def tables(arguments):
    """The export as DuckDB reads it, typed and as text. Its columns stand in the header's order."""
    with open(arguments.schema, encoding="utf-8") as file:
        found = [t["table"] for t in json.load(file)["tables"] if t["table"]["name"] == arguments.table]
    types = {name: duckdb_type(column["sql_type"]) for name, column in found[0]["columns"].items()}
    with open(arguments.export, encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    typed = READ.format(path=arguments.export, columns={name: types[name] for name in header})
    text = READ.format(path=arguments.export, columns={name: "VARCHAR" for name in header})

    def cast(names):
        replaced = ", ".join(f"{name}::{types[name]} as {name}" for name in names)
        return f"(select * replace ({replaced}) from {text})" if names else text

    return typed, cast


def plain(cell):
    """A cell as both write it: a time without zeros behind its fraction."""
    if cell is None or cell == "":
        return None
    return cell.rstrip("0").rstrip(".") if ":" in cell and "." in cell else cell


def ask_ours(arguments, sql):
    command = [arguments.program, "query", "--quiet", "--export", arguments.export, "--table", arguments.table,
               "--schema", arguments.schema, "--format", "csv", sql]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    rows = list(csv.reader(io.StringIO(done.stdout)))[1:]
    return seconds, [[plain(cell) for cell in row] for row in rows]


def ask_duckdb(duckdb, sql):
    duckdb.stdin.write(json.dumps(sql) + "\n")
    duckdb.stdin.flush()
    answer = duckdb.stdout.readline()
    if not answer:
        sys.exit("DuckDB has ended")
    seconds, rows = json.loads(answer)
    return seconds, [[plain(cell) for cell in row] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export")
    parser.add_argument("--schema", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--program", default="target/release/csl-stream")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    typed, cast = tables(arguments)
    threads = len(os.sched_getaffinity(0))
    duckdb = subprocess.Popen([sys.executable, "-c", DUCKDB, str(threads)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    print(f"{os.path.getsize(arguments.export):,} bytes, {threads} threads, {arguments.rounds} rounds; seconds\n")
    print("| statement | csl-stream | DuckDB, typed | DuckDB, text | faster by |\n|---|---|---|---|---|")
    for name, sql, casts in STATEMENTS:
        taken = []
        # The first round warms the page cache, and is not counted.
        for counts in range(arguments.rounds + 1):
            ours, rows = ask_ours(arguments, sql.format(t=arguments.table))
            round_of = [ours]
            for table in (typed, cast(casts)):
                seconds, others = ask_duckdb(duckdb, sql.format(t=table))
                if others != rows:
                    sys.exit(f"{name}: the answers differ: {rows[:3]} and {others[:3]}")
                round_of.append(seconds)
            if counts:
                taken.append(round_of)
        medians = [statistics.median(column) for column in zip(*taken)]
        ratio = statistics.median(min(theirs) / ours for ours, *theirs in taken)
        print(f"| {name} | {medians[0]:.3f} | {medians[1]:.3f} | {medians[2]:.3f} | {ratio:.1f} × |", flush=True)
    duckdb.stdin.close()
    duckdb.wait()


if __name__ == "__main__":
    main()
