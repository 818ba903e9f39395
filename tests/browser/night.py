"""A bad night, made by the program itself: a failed load, rejects, drift, old data, dead letters."""

import datetime
import json
import os
import sqlite3
import subprocess
from pathlib import Path

TOKEN = "a-token-that-nobody-guesses"


class Night:
    """A folder with a warehouse and a queue."""

    def __init__(self, program: str, folder: Path):
        self.program, self.folder = program, folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("CSL_", "AWS_"))}
        self.environment |= {"CSL_SCHEMA_SOURCE": "schema.json", "CSL_WEBHOOK_SIGNATURE": "unchecked"}
        self.today = datetime.datetime.now(datetime.timezone.utc)

    def run(self, *words: str, code: int = 0) -> str:
        command = [self.program, *words]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, *words: str, **settings: str) -> subprocess.Popen:
        environment = self.environment | settings
        return subprocess.Popen([self.program, *words], cwd=self.folder, env=environment, stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def export(self, table: str, days_ago: int, rows: int, email: str = "", bad: int = 0) -> None:
        day = (self.today - datetime.timedelta(days=days_ago)).strftime("%Y%m%d")
        folder = self.folder / "exports" / "full" / table / day
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["id,born,email"] + [f"{row},1971-02-03,{email}" for row in range(rows)] + ["x,1971-02-03,"] * bad
        (folder / f"{table}_{day}000100.csv").write_text("\n".join(lines) + "\n")

    def play(self) -> None:
        tables = ["signatures", "petitions", "events", "members", "partners", "regions"]
        columns = {"id": {"type": "integer", "sql_type": "bigint"}, "born": {"type": "date", "sql_type": "date"},
                   "email": {"type": "string", "sql_type": "character varying(80)"}}
        schema = {"tables": [{"table": {"name": table, "columns": columns}} for table in tables]}
        (self.folder / "schema.json").write_text(json.dumps(schema))
        for table in tables:
            self.export(table, 6 if table == "regions" else 2, 1200, "somebody@example.org")
        self.backfill()
        self.export("signatures", 0, 1210, "somebody@example.org", bad=9)
        self.export("petitions", 0, 1204, "somebody@example.org", bad=2)
        self.export("events", 0, 1198, "")
        for table in ["members", "partners"]:
            self.export(table, 0, 1201, "somebody@example.org")
        self.backfill(code=5)
        self.dead_letters(130)

    def backfill(self, code: int = 0) -> None:
        self.run("backfill", "--all", "--exports", "exports", "--max-rejects", "3", "--quiet", code=code)

    def dead_letters(self, number: int) -> None:
        # A server makes the queue as soon as it listens.
        receiver = self.start("serve", "--listen", "127.0.0.1:0")
        for line in receiver.stderr:
            if "listening on" in line:
                break
        receiver.terminate()
        receiver.communicate()
        with sqlite3.connect(self.folder / "queue.db") as queue:
            for at in range(number):
                url = f"https://agra-data-exports-production.s3.amazonaws.com/org/full/members/{at}.csv.bz2"
                body = json.dumps({"downloadUrl": url, "table": "members", "kind": "full"})
                died = int(self.today.timestamp() * 1000) + at
                queue.execute("INSERT INTO dead (id, body, reason, exit_code, tries, died_ms) VALUES (?, ?, ?, 3, 5, ?)",
                              (at + 1, body, "access was denied: the link has expired; ask for a new export", died))

    def serve(self, with_token: bool) -> tuple[subprocess.Popen, str]:
        settings = {}
        if with_token:
            token = self.folder / "token"
            token.write_text(TOKEN)
            token.chmod(0o600)
            settings["CSL_STATUS_TOKEN_FILE"] = "token"
        server = self.start("status", "--listen", "127.0.0.1:0", **settings)
        for line in server.stderr:
            if "status pages on " in line:
                return server, line.split("status pages on ")[1].strip()
        raise AssertionError("the server does not start")

    def loads(self) -> list[dict]:
        return json.loads(self.run("loads", "list", "--limit", "100", "--json"))
