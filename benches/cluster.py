"""An export converted by 1, 2, 4 executors that are allowed an equal part of a core each.

    cluster.py PROGRAM EXPORT SCHEMA [--table T] [--executors 1,2,4] [--quota 0.25] [--segment-size 32MiB]

PROGRAM is built with the feature `cluster`. Each executor is a process in a control group of its own (controller cpu,
version 1 or 2; whoever runs this must be allowed to make them). The scheduler and the driver, which convert nothing,
have what is left. Told of each number: seconds, T1 / (N x TN), processor seconds of all executors, and the largest peak
memory of one. The files of each run are compared with those of one machine.
"""

import argparse
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time

PERIOD = 100_000
V1 = "/sys/fs/cgroup/cpu"
V2 = "/sys/fs/cgroup"


class Group:
    """A control group that is allowed a part of a core."""

    def __init__(self, name, quota):
        self.is_v1 = os.path.isdir(V1)
        self.folder = f"{V1 if self.is_v1 else V2}/csl-bench-{os.getpid()}-{name}"
        os.mkdir(self.folder)
        allowed = str(int(quota * PERIOD))
        if self.is_v1:
            self.write("cpu.cfs_period_us", str(PERIOD))
            self.write("cpu.cfs_quota_us", allowed)
        else:
            self.write("cpu.max", f"{allowed} {PERIOD}")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def take(self, pid):
        self.write("cgroup.procs", str(pid))

    def remove(self):
        os.rmdir(self.folder)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def reached(port):
    """Waits until somebody listens."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nobody listens at port {port}")


def digests(folder):
    """The sha256 of each file."""
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}", "rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def used(pid):
    """Processor seconds and peak bytes of a process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        peak = next(line for line in file if line.startswith("VmHWM")).split()[1]
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak) * 1024


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, folder
        self.settings = {name: text for name, text in os.environ.items() if not name.startswith("CSL_")}

    def start(self, *words):
        return subprocess.Popen([self.given.program, *words], env=self.settings, cwd=self.folder, stderr=subprocess.DEVNULL)

    def convert(self, out, *words):
        """Seconds of one conversion."""
        given = self.given
        fixed = ["convert", "--table", given.table, "--schema", given.schema, "--segment-size", given.segment_size, "--quiet"]
        began = time.monotonic()
        done = subprocess.run([given.program, *fixed, "--out", out, given.export, *words], env=self.settings, check=False)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            raise SystemExit(f"convert {' '.join(words)}: exit code {done.returncode}")
        return seconds

    def by_executors(self, count):
        """Seconds, processor seconds of the executors, peak bytes of one, and what was written."""
        out, port = f"{self.folder}/out-{count}", free_port()
        processes = [self.start("cluster", "scheduler", "--listen", f"127.0.0.1:{port}")]
        groups = []
        try:
            reached(port)
            for number in range(count):
                groups.append(Group(number, self.given.quota))
                own = free_port()
                words = ["--scheduler", f"127.0.0.1:{port}", "--port", str(own), "--cores", str(self.given.cores)]
                processes.append(self.start("cluster", "executor", *words))
                reached(own)
                groups[-1].take(processes[-1].pid)
            before = [used(process.pid)[0] for process in processes[1:]]
            seconds = self.convert(out, "--cluster", f"127.0.0.1:{port}")
            after = [used(process.pid) for process in processes[1:]]
        finally:
            for process in processes:
                process.kill()
                process.wait()
            for group in groups:
                group.remove()
        written = digests(out)
        shutil.rmtree(out)
        return seconds, sum(now for now, _ in after) - sum(before), max(peak for _, peak in after), written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "export", "schema"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--table", default="signatures")
    parser.add_argument("--executors", default="1,2,4", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--quota", default=0.25, type=float, help="cores of each executor")
    parser.add_argument("--cores", default=1, type=int, help="units at once of each executor")
    parser.add_argument("--segment-size", default="32MiB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given, folder)
        alone = bench.convert(f"{folder}/alone")
        want = digests(f"{folder}/alone")
        shutil.rmtree(f"{folder}/alone")
        print(f"{os.path.getsize(given.export):,} bytes, {len(want)} files, {given.quota} cores an executor; one machine, unlimited: {alone:.1f} s\n")
        print("| executors | seconds | of N | processor seconds | of one | peak MiB |\n|---|---|---|---|---|---|")
        first = None
        for count in given.executors:
            seconds, busy, peak, written = bench.by_executors(count)
            if written != want:
                raise SystemExit(f"{count} executors have written other files than one machine")
            first = first or (count * seconds, busy)
            gain, cost = first[0] / (count * seconds), busy / first[1]
            print(f"| {count} | {seconds:.1f} | {gain:.2f} | {busy:.2f} | {cost:.3f} | {peak >> 20} |", flush=True)


if __name__ == "__main__":
    main()
