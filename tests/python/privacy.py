"""What DuckDB's SQL makes of raw values beside what the program made of them.

    privacy.py RAW.parquet MASKED.parquet OUT.csv '{"column": "SQL over raw.column"}'

Prints a line for each column that differs. Writes the masked values as CSV: texts in quotes, NULL as nothing.
"""

import json
import sys

import duckdb

raw, masked, out, expressions = sys.argv[1:]
db = duckdb.connect()
db.execute(f"CREATE VIEW raw AS SELECT * FROM read_parquet('{raw}')")
db.execute(f"CREATE VIEW masked AS SELECT * FROM read_parquet('{masked}')")
for column, sql in json.loads(expressions).items():
    differ = f"FROM raw JOIN masked USING (id) WHERE masked.{column} IS DISTINCT FROM ({sql})"
    count = db.execute(f"SELECT count(*) {differ}").fetchone()[0]
    if count:
        first = db.execute(f"SELECT id, raw.{column}, masked.{column}, {sql} {differ} ORDER BY id LIMIT 3").fetchall()
        print(f"duckdb {column}: {count}: {first!r}")
db.execute(f"COPY masked TO '{out}' (FORMAT csv, HEADER, FORCE_QUOTE *)")
