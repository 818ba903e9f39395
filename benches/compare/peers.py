"""peers.py PEER IN OUT CODEC THREADS TRUTH: one peer converts IN to Parquet, typed, by its fastest settings.

All read the columns' names and types from TRUTH. zstd is level 1 everywhere. Where a peer's CSV reader cannot read
PostgreSQL's t and f, or its times, the peer reads text and casts it.
"""
import json
import os
import sys

peer, src, out, codec, threads, truth = sys.argv[1:7]
threads = int(threads)
with open(truth, encoding="utf-8") as file:
    COLUMNS = [(c["name"], c["type"]) for c in json.load(file)["columns"]]


def kind(sql_type):
    """The type's family: int, big, bool, time, decimal or text."""
    families = {"integer": "int", "bigint": "big", "boolean": "bool", "timestamp": "time", "numeric": "decimal"}
    return families.get(sql_type.split()[0].split("(")[0], "text")


def types(**by_kind):
    return {name: by_kind[kind(sql_type)] for name, sql_type in COLUMNS}


def duckdb():
    import duckdb

    columns = types(int="INTEGER", big="BIGINT", bool="BOOLEAN", time="TIMESTAMP", decimal="DECIMAL(3,2)", text="VARCHAR")
    level = ", COMPRESSION_LEVEL 1" if codec == "zstd" else ""
    connection = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    connection.execute(f"""
        COPY (SELECT * FROM read_csv('{src}', columns={columns}, auto_detect=false, header=true, delim=',', quote='"',
                escape='"', nullstr='', allow_quoted_nulls=false, new_line='\\n', max_line_size=4194304,
                strict_mode=true, parallel=true, buffer_size=8000000))
        TO '{out}' (FORMAT parquet, COMPRESSION {codec}{level})""")


def polars():
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    schema = types(int=pl.Int32, big=pl.Int64, bool=pl.String, time=pl.String, decimal=pl.Decimal(3, 2), text=pl.String)
    casts = {
        "bool": lambda name: pl.col(name) == "t",
        "time": lambda name: pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us"),
    }
    frame = pl.scan_csv(src, schema=schema, quote_char='"', infer_schema=False)
    frame = frame.with_columns([casts[kind(t)](name) for name, t in COLUMNS if kind(t) in casts])
    level = 1 if codec == "zstd" else None
    frame.sink_parquet(out, compression=codec, compression_level=level, engine="streaming")


def pyarrow():
    """The streaming reader on one thread (it parses on all), the Parquet writer on another."""
    import queue
    import threading

    import pyarrow as pa
    from pyarrow import csv, parquet

    pa.set_cpu_count(threads)
    schema = pa.schema(list(types(
        int=pa.int32(), big=pa.int64(), bool=pa.bool_(), time=pa.timestamp("us"), decimal=pa.decimal128(3, 2),
        text=pa.string()).items()))
    reader = csv.open_csv(
        src, csv.ReadOptions(block_size=4 << 20), csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(column_types=schema, null_values=[""], strings_can_be_null=True,
                           quoted_strings_can_be_null=False, true_values=["t"], false_values=["f"],
                           timestamp_parsers=[csv.ISO8601]))
    groups = queue.Queue(1)
    faults = []

    def write():
        try:
            level = 1 if codec == "zstd" else None
            with parquet.ParquetWriter(out, schema, compression=codec, compression_level=level) as writer:
                while (group := groups.get()) is not None:
                    writer.write_table(group, row_group_size=group.num_rows)
        except BaseException as fault:  # told to the thread that reads
            faults.append(fault)
            while groups.get() is not None:
                pass

    writing = threading.Thread(target=write)
    writing.start()
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if rows >= 131072:
            groups.put(pa.Table.from_batches(batches))
            batches, rows = [], 0
    if batches:
        groups.put(pa.Table.from_batches(batches))
    groups.put(None)
    writing.join()
    if faults:
        raise faults[0]


def datafusion():
    from datafusion import SessionConfig, SessionContext

    columns = types(int="INT", big="BIGINT", bool="VARCHAR", time="TIMESTAMP", decimal="DECIMAL(3,2)", text="VARCHAR")
    casts = {
        "bool": """CASE "{0}" WHEN 't' THEN true WHEN 'f' THEN false END AS "{0}" """,
        "time": """arrow_cast("{0}", 'Timestamp(Microsecond, None)') AS "{0}" """,
    }
    context = SessionContext(SessionConfig().with_target_partitions(threads))
    context.sql(f"""
        CREATE EXTERNAL TABLE export ({", ".join(f'"{name}" {t}' for name, t in columns.items())})
        STORED AS CSV LOCATION '{src}'
        OPTIONS ('format.has_header' 'true', 'format.newlines_in_values' 'true')""").collect()
    select = ", ".join(casts.get(kind(t), '"{0}"').format(name) for name, t in COLUMNS)
    compression = "zstd(1)" if codec == "zstd" else codec
    context.sql(f"""
        COPY (SELECT {select} FROM export) TO '{out}' STORED AS PARQUET
        OPTIONS ('format.compression' '{compression}', 'format.max_row_group_size' '131072',
                 'format.allow_single_file_parallelism' 'true')""").collect()


def spark():
    """The engine under Glue. An empty string survives only as a mark of ours, taken out again afterwards."""
    from pyspark.sql import SparkSession, functions, types as spark_types

    schema = types(
        int=spark_types.IntegerType(), big=spark_types.LongType(), bool=spark_types.StringType(),
        time=spark_types.TimestampType(), decimal=spark_types.DecimalType(3, 2), text=spark_types.StringType())
    mark = "\u0001"
    casts = {
        "bool": lambda c: functions.when(c == "t", True).when(c == "f", False),
        "text": lambda c: functions.when(c == mark, "").otherwise(c),
    }
    session = (
        SparkSession.builder.master(f"local[{threads}]").config("spark.driver.memory", "6g")
        .config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.parquet.compression.codec", codec)
        .config("spark.hadoop.parquet.compression.codec.zstd.level", "1").getOrCreate())
    frame = session.read.csv(
        src, spark_types.StructType([spark_types.StructField(*field) for field in schema.items()]), header=True,
        multiLine=True, quote='"', escape='"', mode="FAILFAST", nullValue="", emptyValue=mark, lineSep="\n")
    columns = [casts.get(kind(t), lambda c: c)(functions.col(name)).alias(name) for name, t in COLUMNS]
    frame.select(*columns).write.parquet(out)
    session.stop()


if __name__ == "__main__":
    {"duckdb": duckdb, "polars": polars, "pyarrow": pyarrow, "datafusion": datafusion, "spark": spark}[peer]()
