"""One run of `csl-stream backfill`, measured."""

import json
import os
import subprocess
import time


def backfill(program, folder, words):
    """Seconds by the clock, what the system counted (`resource.getrusage`), and the reports."""
    command = [os.path.abspath(program), "backfill", "--exports", "exports", "--schema", "schema.json", "--json", "--quiet", *words]
    settings = {name: text for name, text in os.environ.items() if not name.startswith("CSL_")}
    with open(f"{folder}/out", "w+b") as out:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"backfill {' '.join(words)}: exit code {process.returncode}")
        out.seek(0)
        return seconds, usage, [json.loads(line) for line in out]
