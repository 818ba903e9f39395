"""What the status pages cost: each page's time and size, and a load beside a server that is asked all the time."""

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.request import urlopen

TABLES, LOADS, LETTERS = 63, 10_000, 1_000
PAGE_MS_MAX, PAGE_BYTES_MAX, SLOWER_PERCENT_MAX = 200, 300_000, 1.0
# Each page is asked so often, each time after what was said has been forgotten.
LOOKS, FORGOTTEN_SECONDS = 7, 1.1
READ_SECONDS_MAX = 600


def table_of(number: int) -> str:
    return f"table_{number % TABLES:02}"


def load_id(millis: int) -> str:
    """A UUIDv7 of a time."""
    random = uuid.uuid4().int
    return str(uuid.UUID(int=millis << 80 | 7 << 76 | (random >> 64 & 0xFFF) << 64 | 2 << 62 | random & (1 << 62) - 1))


class Place:
    """A folder with a warehouse of years and a queue."""

    def __init__(self, program: str, folder: Path):
        self.program, self.folder = program, folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("CSL_", "AWS_"))}
        self.environment |= {"CSL_SCHEMA_SOURCE": "schema.json", "CSL_WEBHOOK_SIGNATURE": "unchecked"}
        columns = {"id": {"type": "integer", "sql_type": "bigint"}, "born": {"type": "date", "sql_type": "date"},
                   "email": {"type": "string", "sql_type": "character varying(80)"}}
        tables = [{"table": {"name": table_of(number), "columns": columns}} for number in range(TABLES)]
        (folder / "schema.json").write_text(json.dumps({"tables": tables}))

    def start(self, *words: str, said: str) -> tuple[subprocess.Popen, str]:
        child = subprocess.Popen([self.program, *words], cwd=self.folder, env=self.environment, text=True,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for line in child.stderr:
            if said in line:
                threading.Thread(target=lambda: all(child.stderr), daemon=True).start()
                return child, line.split(said)[1].strip()
        raise SystemExit(f"{words} does not start")

    def loads(self) -> str:
        """Reports as thirty nights would have left them; gives the last load."""
        now, last = int(time.time() * 1000), ""
        for at in range(LOADS):
            table, last = table_of(at), load_id(now - (LOADS - at) * 260_000)
            folder = self.folder / "warehouse" / table / ".loads"
            folder.mkdir(parents=True, exist_ok=True)
            failed = at % 10 == 0
            report = {
                "load_id": last, "table": table, "kind": "full", "status": "failed" if failed else "succeeded",
                "source": {"uri": f"s3://agra-data-exports-production/org/full/{table}/20260301/{table}_{at}.csv.bz2",
                           "etag": "e", "bytes": 529_000_000, "compression": "bzip2"},
                "rows": {"read": at, "accepted": at, "rejected": 0, "truncated_values": 0, "carried_over": 0, "loaded": at},
                "files": [{"uri": f"warehouse/{table}/{last}/segment-000.parquet", "rows": at, "bytes": 3}],
                "columns": [{"name": f"column_{c}", "nulls": c, "truncated": 0, "bytes": 9} for c in range(30)],
                "rejects": {"uri": None, "first": []}, "seconds": {"total": 10.5, "convert": 8.0, "load": 2.0},
                "error": "the bucket does not answer: " * 20 if failed else None}
            (folder / f"{last}.json").write_text(json.dumps(report))
        return last

    def dead_letters(self) -> None:
        child, _ = self.start("serve", "--listen", "127.0.0.1:0", said="listening on")
        child.terminate()
        child.wait()
        with contextlib.closing(sqlite3.connect(self.folder / "queue.db")) as queue, queue:
            for at in range(LETTERS):
                url = f"https://agra-data-exports-production.s3.amazonaws.com/o/full/t/{at}.csv.bz2"
                body = json.dumps({"downloadUrl": url, "table": table_of(at), "kind": "full"})
                why = "access was denied: 403 Forbidden, AccessDenied: Request has expired; " * 10
                queue.execute("INSERT INTO dead (id, body, reason, exit_code, tries, died_ms) VALUES (?, ?, ?, 3, 5, ?)",
                              (at + 1, body, why, int(time.time() * 1000) + at))

    def export(self, rows: int) -> None:
        with open(self.folder / "t.csv", "w") as csv:
            csv.write("id,born,email\n")
            for row in range(rows):
                csv.write(f"{row},1971-02-03,somebody-{row * 2654435761 % 4294967296}@example.org\n")

    def load(self) -> float:
        """One load; its seconds."""
        words = ["backfill", "--table", table_of(0), "--kind", "full", "--export", "t.csv", "--again", "--quiet"]
        began = time.perf_counter()
        done = subprocess.run([self.program, *words], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        return took


def ask(address: str) -> tuple[float, int, str]:
    began = time.perf_counter()
    with urlopen(address, timeout=60) as answer:
        body = answer.read()
    return (time.perf_counter() - began) * 1000, len(body), body.decode()


def pages(place: Place, load: str) -> list[str]:
    server, origin = place.start("status", "--listen", "127.0.0.1:0", said="status pages on ")
    faults = []
    began = time.perf_counter()
    while len(json.loads(ask(origin + "/api/overview")[2])["tables"]) < TABLES:
        assert time.perf_counter() - began < READ_SECONDS_MAX
        time.sleep(0.1)
    print(f"{LOADS:,} loads were read in {time.perf_counter() - began:.1f} s")
    for path in ["/", f"/tables/{table_of(0)}", f"/tables/{table_of(0)}?from=100", f"/loads/{load}", "/queue",
                 "/queue?from=900", "/settings", "/api/overview", "/api/loads"]:
        looks = []
        for _ in range(LOOKS):
            time.sleep(FORGOTTEN_SECONDS)
            looks.append(ask(origin + path))
        times, size = [took for took, _, _ in looks], max(size for _, size, _ in looks)
        median = statistics.median(times)
        print(f"{path:<48} {median:7.1f} ms ({min(times):.1f} to {max(times):.1f}) {size:9,} bytes")
        if "no answer within" in looks[-1][2]:
            faults.append(f"{path}: a source does not answer in time")
        # Of JSON there may be more: a program asked for it.
        if median > PAGE_MS_MAX or size > PAGE_BYTES_MAX and not path.startswith("/api/"):
            faults.append(f"{path}: {median:.0f} ms, {size:,} bytes")
    server.terminate()
    server.wait()
    return faults


class Asking:
    """A server, and somebody who asks it so many times a second, until this ends."""

    def __init__(self, place: Place, rate: float):
        self.place, self.rate, self.over, self.asked = place, rate, threading.Event(), 0

    def __enter__(self):
        self.server, self.origin = self.place.start("status", "--listen", "127.0.0.1:0", said="status pages on ")
        while not json.loads(ask(self.origin + "/api/overview")[2])["tables"]:
            time.sleep(0.1)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self) -> None:
        while not self.over.wait(1 / self.rate):
            ask(self.origin + "/")
            self.asked += 1

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.server.terminate()
        self.server.wait()


def beside(place: Place, pairs: int, rows: int, rate: float) -> list[str]:
    place.export(rows)
    place.load()
    ratios, asked = [], 0
    for pair in range(pairs):
        # In turns, so that what the machine does by and by falls on both.
        took = {}
        for with_server in (pair % 2 == 0, pair % 2 == 1):
            if with_server:
                with Asking(place, rate) as asking:
                    took[True] = place.load()
                asked += asking.asked
            else:
                took[False] = place.load()
        ratios.append(took[True] / took[False])
        print(f"pair {pair + 1}: {took[False]:.3f} s alone, {took[True]:.3f} s beside a server")
    slower = (statistics.median(ratios) - 1) * 100
    spread = f"{(min(ratios) - 1) * 100:+.1f} to {(max(ratios) - 1) * 100:+.1f}"
    print(f"beside a server that was asked {asked} times, {rate:g} times a second: {slower:+.2f} % ({spread} %)")
    return [f"a load is slower by {slower:.2f} %"] if slower > SLOWER_PERCENT_MAX else []


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--program", required=True)
    options.add_argument("--pairs", type=int, default=15)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--rate", type=float, default=1.0)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(options.program, Path(folder))
        load = place.loads()
        place.dead_letters()
        faults = pages(place, load) + beside(place, options.pairs, options.rows, options.rate)
    for fault in faults:
        print(f"✖ {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
