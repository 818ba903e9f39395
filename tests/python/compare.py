"""Compares Parquet files with the truth that PostgreSQL wrote, through other readers than ours.

    case (a JSON line on stdin) ──▶ PyArrow, DuckDB, Polars ──▶ columns ─┐
                                └─▶ truth file ─────────────▶ columns ──┴▶ {"problems": [...]} on stdout

A case: {"files": [...], "names": [...], "sql_types": [...], "truth": path, "readers": [...]}. The truth is
what `csl_truth` in fixtures/sql/lib.sql writes: tabs between fields, `\\N` for NULL, integers (also for
the bits of floats and for decimals without their point), and text in hexadecimal.
"""

import binascii
import json
import os
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

ARROW_TYPES = {
    "smallint": "int16",
    "integer": "int32",
    "bigint": "int64",
    "boolean": "bool",
    "real": "float",
    "double precision": "double",
    "date": "date32[day]",
}
TRUTH_TYPES = {"int": pa.int64(), "float": pa.int64(), "decimal": pa.decimal128(38, 0), "text": pa.string()}


def kind_of(sql_type):
    if sql_type in ("real", "double precision"):
        return "float"
    if sql_type in ARROW_TYPES or sql_type.startswith("timestamp"):
        return "int"
    return "decimal" if sql_type.startswith("numeric") else "text"


def arrow_type_of(sql_type):
    """The Arrow type that a reader finds in the file."""
    if sql_type in ARROW_TYPES:
        return ARROW_TYPES[sql_type]
    if sql_type.startswith("timestamp"):
        return "timestamp[us, tz=UTC]" if sql_type.endswith("with time zone") else "timestamp[us]"
    if sql_type.startswith("numeric"):
        return "decimal128" + sql_type.removeprefix("numeric").replace(",", ", ")
    return "string"


def read_truth(path, kinds):
    names = [str(index) for index in range(len(kinds))]
    types = {name: TRUTH_TYPES[kind] for name, kind in zip(names, kinds)}
    if os.path.getsize(path) == 0:
        return [pa.array([], types[name]) for name in names]
    table = pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(column_names=names, block_size=64 << 20),
        parse_options=pa.csv.ParseOptions(
            delimiter="\t", quote_char=False, escape_char=False, ignore_empty_lines=False
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=types, null_values=["\\N"], strings_can_be_null=True
        ),
    )
    return [table.column(name).combine_chunks() for name in names]


def with_pyarrow(files):
    return pa.concat_tables(pa.parquet.read_table(file, page_checksum_verification=True) for file in files)


def with_duckdb(files):
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    return connection.sql("SELECT * FROM read_parquet(?)", params=[files]).to_arrow_table()


def with_polars(files):
    return polars.read_parquet(files).to_arrow()


READERS = {"pyarrow": with_pyarrow, "duckdb": with_duckdb, "polars": with_polars}


def plain(column, kind):
    """A column as the truth has it: integers, decimals without their point, bytes."""
    column = column.combine_chunks()
    if kind == "float":
        return column.view(pa.int32() if column.type == pa.float32() else pa.int64()).cast(pa.int64())
    if kind == "decimal":
        buffers = column.buffers()
        return pa.Array.from_buffers(pa.decimal128(38, 0), len(column), buffers, offset=column.offset)
    if kind == "text":
        return column.cast(pa.large_string()).cast(pa.large_binary())
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()).cast(pa.int64())
    return column.cast(pa.int64())


def joined(column):
    """All values of a binary column in one piece."""
    offsets = memoryview(column.buffers()[1]).cast("q" if pa.types.is_large_binary(column.type) else "i")
    first, last = offsets[column.offset], offsets[column.offset + len(column)]
    # Signed bytes compare unequal with unsigned ones.
    return memoryview(column.buffers()[2] or b"").cast("B")[first:last]


def same_text(found, truth):
    if not found.is_null().equals(truth.is_null()):
        return False
    found, truth = found.fill_null(b""), truth.fill_null("").cast(pa.binary())
    lengths = pc.divide(pc.binary_length(truth), 2).cast(pa.int64())
    if not pc.binary_length(found).cast(pa.int64()).equals(lengths):
        return False
    return joined(found) == binascii.unhexlify(joined(truth))


def first_difference(found, truth, kind):
    for row, (a, b) in enumerate(zip(found, truth)):
        a, b = a.as_py(), b.as_py()
        if kind == "text" and b is not None:
            b = bytes.fromhex(b)
        if a != b:
            return f"row {row}: {str(a)[:300]} is not {str(b)[:300]}"
    return "no cell differs, but the columns do"


def compare(case):
    kinds = [kind_of(sql_type) for sql_type in case["sql_types"]]
    truth = read_truth(case["truth"], kinds)
    problems = []
    for reader in case["readers"]:
        table = READERS[reader](case["files"])
        if reader == "pyarrow":
            types = [str(field.type) for field in table.schema]
            wanted = [arrow_type_of(sql_type) for sql_type in case["sql_types"]]
            if table.schema.names != case["names"]:
                problems.append(f"{reader}: columns {table.schema.names}, want {case['names']}")
            if types != wanted:
                problems.append(f"{reader}: types {types}, want {wanted}")
        for index, (name, kind) in enumerate(zip(case["names"], kinds)):
            found = plain(table.column(index), kind)
            if len(found) != len(truth[index]):
                problems.append(f"{reader}: {len(found)} rows, want {len(truth[index])}")
                break
            same = same_text if kind == "text" else pa.Array.equals
            if not same(found, truth[index]):
                where = first_difference(found, truth[index], kind)
                problems.append(f"{reader}: column {name!r} ({case['sql_types'][index]}), {where}")
    return problems


def main():
    for line in sys.stdin:
        try:
            problems = compare(json.loads(line))
        except Exception as error:  # a reader that refuses the file is a finding like any other
            problems = [f"{type(error).__name__}: {error}"]
        print(json.dumps({"problems": problems}), flush=True)


if __name__ == "__main__":
    main()
