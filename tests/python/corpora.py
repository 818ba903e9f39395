"""Runs the program over other people's files, beside PostgreSQL and the reference decoders.

    x.csv ──▶ a header of our own in front ─┬─▶ PostgreSQL: COPY into text columns ──▶ cells ─┐
                                            └─▶ csl-stream convert ──▶ Parquet ──▶ cells ─────┴▶ equal?
    x.bz2, x.gz, x.zst ─┬─▶ reference decoder ──▶ plain ──▶ convert ──▶ cells, rejects ─┐
                        └─▶ a member with the header in front ──▶ convert ──────────────┴▶ equal?

Usage: corpora.py PROGRAM POSTGRESQL_BIN SOCKET DIR. Prints a summary; exit 1 if anything disagrees.

The header makes a file's own first line data, so that no file is left out for its header. Compressed files
of any content can be compared: what is no record becomes a reject, whose bytes are kept.
"""

import collections
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Larger files, and larger contents of compressed ones, are counted and left out.
PLAIN_BYTES_MAX = 128 << 20
# PostgreSQL's own limit of a table, but for one that numbers its rows.
COLUMNS_MAX = 1599
# More than any file that is read here can have.
REJECTS_MAX = 1_000_000_000
# Longest time of one call.
SECONDS_MAX = 300

# By their first bytes: how the reference decodes, and how a member is made.
DECODERS = {
    b"BZh": (["bzip2", "-dc"], ["bzip2", "-c"]),
    b"\x1f\x8b": (["gzip", "-dc"], ["gzip", "-c"]),
    b"\x28\xb5\x2f\xfd": (["zstd", "-dc"], ["zstd", "-qc"]),
}
# What PostgreSQL cannot hold says nothing of the file.
BEYOND_POSTGRESQL = ("row is too big", "tables can have at most", "out of memory", "invalid memory alloc")
# What this program refuses on purpose, though PostgreSQL reads it: by the rule of a reject, or by the words of the
# error. PostgreSQL writes neither.
STRICTER = {
    "quote": "a quote in the middle of a field",
    "end in carriage returns alone": "lines that end in carriage returns alone",
}


class Summary:
    def __init__(self):
        self.counts = collections.Counter()
        self.stricter = collections.Counter()
        self.disagreements = []

    def disagree(self, path, what):
        self.disagreements.append(f"{path}: {what}")
        print(f"DISAGREE {path}: {what}", flush=True)


def run(words, **options):
    options.setdefault("timeout", SECONDS_MAX)
    return subprocess.run(words, capture_output=True, **options)


def first_record(data):
    """Fields of the first record, and its line end, by PostgreSQL's rule: quotes toggle, wherever they stand."""
    fields, quoted = 1, False
    for at, byte in enumerate(data):
        if byte == 0x22:
            quoted = not quoted
        elif not quoted and byte == 0x2C:
            fields += 1
        elif not quoted and byte in (0x0A, 0x0D):
            if byte == 0x0A:
                return fields, b"\n"
            return fields, b"\r\n" if data[at + 1 : at + 2] == b"\n" else b"\r"
    return fields, b"\n"


def header_of(data):
    fields, end = first_record(data)
    names = [f"c{number}" for number in range(fields)]
    return names, ",".join(names).encode() + end


class Ours:
    """What the program made of an input."""

    def __init__(self, program, names, source, folder):
        folder.mkdir()
        schema = folder / "schema.json"
        columns = {name: {"type": "string", "sql_type": "text"} for name in names}
        schema.write_text(json.dumps({"tables": [{"table": {"name": "f", "columns": columns}}]}))
        rejects = folder / "rejects.csv"
        words = [program, "convert", "--table", "f", "--schema", schema, "--out", folder / "out", "--quiet", "--json"]
        words += ["--allow-open-end", "--max-rejects", str(REJECTS_MAX), "--rejects", rejects, source]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CSL_")}
        ended = run(words, env=environment, cwd=folder)
        self.code = ended.returncode
        self.error = ended.stderr.decode(errors="replace").strip().replace(str(source), "INPUT")
        self.report = json.loads(ended.stdout) if ended.stdout.strip() else {}
        self.rejected = self.report.get("rows", {}).get("rejected", 0)
        self.rejects = rejects.read_bytes() if rejects.exists() else b""
        # The report has only the first; beside the records stand all of them.
        reasons = folder / "rejects.jsonl"
        self.rules = collections.Counter()
        if reasons.exists():
            self.rules.update(json.loads(line).get("rule", "?") for line in reasons.read_text().splitlines())
        files = sorted((folder / "out").glob("*.parquet")) if self.code == 0 else []
        tables = [pq.read_table(file) for file in files]
        self.table = pa.concat_tables(tables) if tables else None

    def columns(self, names):
        if self.table is None:
            return [[] for _ in names]
        return [pc.cast(self.table.column(name), pa.binary()).to_pylist() for name in names]

    @property
    def reads_all(self):
        return self.code == 0 and self.rejected == 0


class PostgreSQL:
    def __init__(self, bin_dir, socket):
        self.words = [f"{bin_dir}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", socket, "-U", "postgres", "postgres"]
        self.environment = {**os.environ, "PGCLIENTENCODING": "UTF8"}

    def read(self, names, source, folder):
        """The cells column by column, or what PostgreSQL had against the file."""
        out = folder / "cells"
        columns, list_of = ", ".join(f"{name} text" for name in names), ", ".join(names)
        # A table keeps no order of its own.
        script = (
            f"SET client_min_messages = warning;\n"
            f"DROP TABLE IF EXISTS f; CREATE UNLOGGED TABLE f ({columns}, number bigserial);\n"
            f"COPY f ({list_of}) FROM '{source}' WITH (FORMAT csv, HEADER);\n"
            f"\\copy (SELECT {list_of} FROM f ORDER BY number) TO '{out}' WITH (FORMAT binary)\n"
        )
        ended = run([*self.words, "-f", "-"], input=script.encode(), env=self.environment)
        if ended.returncode != 0:
            refusal = ended.stderr.decode(errors="replace").strip().splitlines()[0]
            if "ERROR:" not in refusal:
                sys.exit(f"PostgreSQL is gone: {refusal}")
            return None, refusal
        return cells_of(out.read_bytes(), len(names)), None


def cells_of(data, width):
    """PostgreSQL's binary format: https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.4"""
    at = 19 + struct.unpack_from("!i", data, 15)[0]
    columns = [[] for _ in range(width)]
    while struct.unpack_from("!h", data, at)[0] != -1:
        at += 2
        for column in columns:
            length = struct.unpack_from("!i", data, at)[0]
            at += 4
            column.append(None if length < 0 else data[at : at + length])
            at += max(length, 0)
    return columns


def check_csv(path, data, program, postgresql, folder, summary):
    names, header = header_of(data)
    if len(names) > COLUMNS_MAX:
        summary.counts["beyond PostgreSQL"] += 1
        return
    source = folder / "input.csv"
    source.write_bytes(header + data)
    ours = Ours(program, names, source, folder / "ours")
    cells, refusal = postgresql.read(names, source, folder)
    if refusal and any(words in refusal for words in BEYOND_POSTGRESQL):
        summary.counts["beyond PostgreSQL"] += 1
    elif refusal and not ours.reads_all:
        summary.counts["CSV files that both refuse"] += 1
    elif refusal:
        summary.disagree(path, f"read here, and PostgreSQL says: {refusal}")
    elif not ours.reads_all:
        refused = list(ours.rules) or [ours.error]
        purposes = {purpose_of(text) for text in refused}
        if None not in purposes:
            summary.stricter.update(purposes)
        else:
            summary.disagree(path, f"PostgreSQL reads it, and here: {ours.error or dict(ours.rules)}")
    else:
        compare_cells(path, names, ours.columns(names), cells, summary)


def purpose_of(refused):
    """The purpose of a reject's rule, which is one word, or of an error."""
    return STRICTER.get(refused) or next((why for words, why in STRICTER.items() if " " in words and words in refused), None)


def compare_cells(path, names, ours, theirs, summary):
    summary.counts["CSV files compared"] += 1
    summary.counts["cells compared with PostgreSQL"] += sum(len(column) for column in theirs)
    for name, own, other in zip(names, ours, theirs):
        if own == other:
            continue
        if len(own) != len(other):
            summary.disagree(path, f"{len(own)} rows here, {len(other)} in PostgreSQL")
            return
        row = next(at for at, pair in enumerate(zip(own, other)) if pair[0] != pair[1])
        summary.disagree(path, f"{name}, row {row + 1}: {own[row]!r} here, {other[row]!r} in PostgreSQL")
        return


def check_compressed(path, data, program, folder, summary):
    decode, encode = DECODERS[magic_of(data)]
    if shutil.which(decode[0]) is None:
        summary.counts[f"left out: no {decode[0]}"] += 1
        return
    decoded = run(decode, input=data)
    plain = decoded.stdout
    if len(plain) > PLAIN_BYTES_MAX:
        summary.counts["too large, left out"] += 1
        return
    names, header = header_of(plain)
    names, header = names[:COLUMNS_MAX], header if len(names) <= COLUMNS_MAX else b"c0\n"
    names = names if header != b"c0\n" else ["c0"]
    member = run(encode, input=header).stdout
    packed, unpacked = folder / "packed", folder / "unpacked.csv"
    packed.write_bytes(member + data)
    unpacked.write_bytes(header + plain)
    ours = Ours(program, names, packed, folder / "ours")
    if decoded.returncode != 0:
        why = decoded.stderr.decode(errors="replace").strip().splitlines()
        if ours.code == 0:
            summary.disagree(path, f"read here, and {decode[0]} says: {' '.join(why)[:200]}")
        else:
            summary.counts["compressed files that both refuse"] += 1
        return
    expected = Ours(program, names, unpacked, folder / "expected")
    summary.counts["compressed files compared"] += 1
    summary.counts["bytes compared with a reference decoder"] += len(plain)
    if (ours.code, ours.rejected, ours.rejects) != (expected.code, expected.rejected, expected.rejects):
        summary.disagree(path, f"exit {ours.code}, {ours.rejected} rejects: {ours.error[:300]}; decoded by "
                         f"{decode[0]} exit {expected.code}, {expected.rejected} rejects: {expected.error[:300]}")
    elif ours.columns(names) != expected.columns(names):
        summary.disagree(path, f"other cells than those of what {decode[0]} decodes")
    elif ours.code != 0:
        summary.counts["of them whose content is no CSV, to its first fault"] += 1


def magic_of(data):
    return next((magic for magic in DECODERS if data.startswith(magic)), None)


def check(path, program, postgresql, summary):
    if path.stat().st_size > PLAIN_BYTES_MAX:
        summary.counts["too large, left out"] += 1
        return
    data = path.read_bytes()
    with tempfile.TemporaryDirectory(prefix="corpora-") as folder:
        folder = pathlib.Path(folder)
        # PostgreSQL's server reads it as another user; through psql a NUL would end its line.
        folder.chmod(0o755)
        if magic_of(data):
            check_compressed(path, data, program, folder, summary)
        elif path.suffix.lower() == ".csv":
            check_csv(path, data, program, postgresql, folder, summary)
        else:
            summary.counts["other files"] += 1


def main():
    program, bin_dir, socket, place = sys.argv[1:]
    postgresql, summary = PostgreSQL(bin_dir, socket), Summary()
    paths = sorted(path for path in pathlib.Path(place).rglob("*") if path.is_file() and not path.is_symlink())
    for path in paths:
        try:
            check(path, program, postgresql, summary)
        except subprocess.TimeoutExpired as expired:
            summary.disagree(path, f"not done after {SECONDS_MAX} s: {expired.cmd[0]}")
    print(f"{len(paths):,} files")
    for what, count in sorted(summary.counts.items()):
        print(f"{count:>15,} {what}")
    for why, count in sorted(summary.stricter.items()):
        print(f"{count:>15,} CSV files refused here alone, on purpose: {why}")
    print(f"{len(summary.disagreements):>15,} disagreements")
    compared = summary.counts["CSV files compared"] + summary.counts["compressed files compared"]
    if not compared:
        sys.exit("no file could be compared")
    sys.exit(1 if summary.disagreements else 0)


if __name__ == "__main__":
    main()
