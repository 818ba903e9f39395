"""Runs csl-stream and its peers in turn on the same export and prints a Markdown table. Called by `run`.

Every run is a process of its own, from its start to its end, its output on the same disk, the input in the page cache.
A round runs all of them once, one after the other, so that a busy moment hits all alike; the first round is not
counted. Times are medians; "faster by" is the median of the ratios within each round.
"""
import argparse
import contextlib
import datetime
import importlib.metadata
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import check

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = "csl-stream"
SOUND = "as it should be"


def arguments():
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="benches/compare/run", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the export; a million are 500 MB")
    parser.add_argument("--codec", choices=["snappy", "zstd"], default="snappy")
    parser.add_argument("--bz2", action="store_true", help="read the export as .csv.bz2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="duckdb,polars,pyarrow,datafusion", help="also: spark; none: \"\"")
    parser.add_argument("--variants", default="1thread,avx2,portable", metavar="LIST",
                        help="csl-stream otherwise: 1thread, avx2, portable, s3 (default: all but s3)")
    parser.add_argument("--sizes", default="", metavar="ROWS,…", help="csl-stream alone on other sizes as well")
    parser.add_argument("--threads", type=int, default=cores, help=f"of each program (here: {cores})")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    for hidden in ("--tools", "--cache", "--spark-python"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(command, env=None, stdout=subprocess.DEVNULL):
    """Wall seconds, CPU seconds, and the peak MiB of the largest process."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=stdout, stderr=said, env={**os.environ, **(env or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}: {said.read()[-2000:].decode()}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def data(args, rows):
    """The folder of an export of so many rows; made once."""
    folder = f"{args.cache}/signatures-{rows}"
    if not os.path.exists(f"{folder}/truth.json"):
        print(f"making {rows} rows", file=sys.stderr)
        subprocess.run([f"{args.tools}/signatures", "--rows", str(rows), "--out", folder], check=True)
    if args.bz2 and not os.path.exists(f"{folder}/signatures.csv.bz2"):
        subprocess.run(["lbzip2", "-9", "-k", f"{folder}/signatures.csv"], check=True)
    return folder


def convert(args, source, out, threads=None):
    """Our command; the schema lies beside the local export."""
    return [args.program, "convert", "--table", "signatures", "--schema", f"{args.folder}/schema.json", "--quiet",
            "--codec", args.codec, "--threads", str(threads or args.threads), "--out", out, source]


def peer(args, name, source, out):
    """A peer's command. None of them reads .bz2 in parallel: lbzip2 unpacks it to a file first, which is faster than a
    pipe. Spark reads it as it stands, as Glue does."""
    python = args.spark_python if name == "spark" else sys.executable
    plain = f"{out}.csv" if args.bz2 and name != "spark" else source
    command = [python, f"{HERE}/peers.py", name, plain, out, args.codec, str(args.threads), f"{args.folder}/truth.json"]
    if plain == source:
        return command
    return ["sh", "-c", 'lbzip2 -n "$0" -dc "$1" > "$2" && shift 2 && exec "$@"', str(args.threads), source, plain,
            *command]


class Contender:
    """One line of the table."""

    def __init__(self, name, command, env=None, suffix="", checked=True, settle=lambda: None):
        self.name, self.command, self.env, self.suffix, self.checked = name, command, env, suffix, checked
        self.settle = settle
        self.runs, self.output_bytes, self.verdict = [], 0, ""

    def run(self, args):
        with tempfile.TemporaryDirectory(dir=args.cache, prefix="out-") as folder:
            out = f"{folder}/out{self.suffix}"
            result = measure(self.command(out), self.env)
            self.settle()
            if self.checked and not self.verdict:
                self.output_bytes = sum(os.path.getsize(file) for file in check.files(out))
                checked = subprocess.run([sys.executable, f"{HERE}/check.py", out, f"{args.folder}/truth.json"],
                                         stdout=subprocess.PIPE, text=True, check=True)
                self.verdict = checked.stdout.strip() or SOUND
        self.runs.append(result)

    def median(self, at):
        return statistics.median(run[at] for run in self.runs)

    def ratio(self, ours):
        return statistics.median(own[0] / our[0] for own, our in zip(self.runs, ours.runs))


def contenders(args, source, server):
    yield Contender(OURS, lambda out: convert(args, source, out))
    for name in filter(None, args.peers.split(",")):
        suffix = "" if name == "spark" else ".parquet"
        yield Contender(name, lambda out, name=name: peer(args, name, source, out), suffix=suffix)
    for variant in filter(None, args.variants.split(",")):
        if variant == "1thread":
            yield Contender(f"{OURS}, 1 thread", lambda out: convert(args, source, out, threads=1))
        elif variant == "s3":
            yield s3(args, source, server)
        else:
            env = {"CSL_KERNEL": variant}
            yield Contender(f"{OURS}, CSL_KERNEL={variant}", lambda out: convert(args, source, out), env)
    if args.bz2:
        unpack = ["lbzip2", "-n", str(args.threads), "-dc", source]
        yield Contender("lbzip2 -d alone", lambda _: unpack, checked=False)


def s3(args, source, server):
    """From s3:// to s3:// on loopback. The server puts what it took where a local output would be once the time is
    taken, so that the same check reads it. Uploads are not hashed, as they are not over TLS."""
    env = {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
           "AWS_REGION": "us-east-1", "AWS_UNSIGNED_PAYLOAD": "true"}
    inside = lambda path: "s3://" + os.path.relpath(path, os.path.dirname(args.cache))
    return Contender(f"{OURS}, s3:// to s3://", lambda out: convert(args, inside(source), inside(out)), env,
                     settle=server.write_out)


class S3Server:
    """A process that serves the cache's folder as S3."""

    def __init__(self, process):
        self.process = process
        self.endpoint = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("s3_files ended; the message stands above")
        return line.strip()

    def write_out(self):
        with contextlib.suppress(BrokenPipeError):
            print(file=self.process.stdin, flush=True)
        self.answer()


@contextlib.contextmanager
def s3_server(args):
    if "s3" not in args.variants.split(","):
        yield None
        return
    command = [f"{args.tools}/s3_files", os.path.dirname(args.cache)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield S3Server(server)
        server.stdin.close()


def name_of_cpu():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


def versions(args):
    ours = subprocess.run([args.program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    peers = [f"{name} {importlib.metadata.version(name)}" for name in args.peers.split(",") if name not in ("", "spark")]
    return ", ".join([ours, *peers, *(["pyspark 3.5.6"] if "spark" in args.peers else [])])


def print_table(args, lines, csv_bytes):
    ours = lines[0]
    print("\n|  | wall s | MB/s | CPU s | peak MiB | output MB | csl-stream is faster by | content |")
    print("|---|---|---|---|---|---|---|---|")
    for line in lines:
        wall, cpu, peak = (line.median(at) for at in range(3))
        size = f"{line.output_bytes / 1e6:.0f}" if line.checked else ""
        ratio = "" if line is ours else f"{line.ratio(ours):.2f} ×"
        print(f"| {line.name} | {wall:.2f} | {csv_bytes / 1e6 / wall:.0f} | {cpu:.2f} | {peak:.0f} | {size} | {ratio} "
              f"| {line.verdict} |")


def print_sizes(args):
    print("\n| rows | MB | wall s | ms per MB | peak MiB |\n|---|---|---|---|---|")
    for rows in [int(size) for size in args.sizes.split(",")]:
        args.folder = data(args, rows)
        line = Contender(OURS, lambda out: convert(args, source_of(args), out))
        for _ in range(args.rounds):
            line.run(args)
        size = os.path.getsize(f"{args.folder}/signatures.csv") / 1e6
        wall = line.median(0)
        print(f"| {rows} | {size:.0f} | {wall:.2f} | {1000 * wall / size:.2f} | {line.median(2):.0f} |")


def source_of(args):
    return f"{args.folder}/signatures.csv" + (".bz2" if args.bz2 else "")


def main():
    args = arguments()
    args.folder = data(args, args.rows)
    source = source_of(args)
    with s3_server(args) as server:
        lines = list(contenders(args, source, server))
        for round_number in range(args.rounds + 1):
            for line in lines:
                print(f"round {round_number}: {line.name}", file=sys.stderr)
                line.run(args)
                if round_number == 0:
                    line.runs.clear()
    starts = [measure([args.program, "--version"])[0] for _ in range(20)]
    csv_bytes = os.path.getsize(f"{args.folder}/signatures.csv")
    print(f"{datetime.date.today()}, {name_of_cpu()}, {args.threads} threads of {os.cpu_count()} cores, "
          f"{platform.system()} {platform.release()}")
    print(f"{versions(args)}; Python {platform.python_version()}")
    print(f"`benches/compare/run {command_line()}`: {args.rows} rows, {csv_bytes / 1e6:.0f} MB of CSV, "
          f"{args.codec}, {args.rounds} rounds after one that is not counted")
    print_table(args, lines, csv_bytes)
    print(f"\n`csl-stream --version`: {1000 * statistics.median(starts):.1f} ms")
    if args.sizes:
        print_sizes(args)
    if lines[0].verdict != SOUND:
        raise SystemExit(f"our own output is wrong: {lines[0].verdict}")


def command_line():
    """The words of the user, without those that `run` put before them."""
    words = sys.argv[1:]
    return " ".join(words[8:])


if __name__ == "__main__":
    main()
