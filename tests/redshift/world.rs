//! A stand-in with its database, its S3, and a folder to run the program in.

pub(crate) use crate::answer::Answer;
use crate::aws;
use crate::postgres::{self, Database};
use crate::redshift::{Redshift, Setup};
use crate::s3::S3Server;
use csl_stream::warehouse::redshift::ledger_ddl;
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// The bulk schema of the table `t`.
pub(crate) const SCHEMA: &str = r#"{"tables": [{"table": {"name": "t", "columns": {
    "email": {"type": "string", "sql_type": "character varying(63)"},
    "created_at": {"type": "datetime", "sql_type": "timestamp without time zone"},
    "score": {"type": "decimal", "sql_type": "numeric(3,2)"},
    "params": {"type": "jsonb", "sql_type": "jsonb"},
    "active": {"type": "boolean", "sql_type": "boolean"},
    "petition_id": {"type": "integer", "sql_type": "integer"},
    "id": {"type": "integer", "sql_type": "bigint", "nullable": false}}}}]}"#;

/// The table as the mirror has it: another order, wider types.
pub(crate) const TABLE: &str = "CREATE TABLE t (id BIGINT NOT NULL, email VARCHAR(255), created_at TIMESTAMP, \
    score DECIMAL(5,2), params VARCHAR(65535), active BOOLEAN, petition_id BIGINT)";

/// When the full export of most tests was made.
pub(crate) const NIGHT: &str = "20260301031500";
/// A time that is long before it.
pub(crate) const OLD: &str = "2026-01-05 12:34:56";
/// How long anything may take that a test waits for.
pub(crate) const SECONDS_MAX: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) redshift: Redshift,
    pub(crate) s3: S3Server,
    pub(crate) dir: TempDir,
    database: Database<'static>,
    name: String,
}

impl World {
    /// With this table in it, if any; statements run as a user that has the documented grants alone: those of
    /// `schema ddl --ledger`, or without a table those to make one.
    pub(crate) fn with(table: &str) -> Self {
        let world = Self::bare(table);
        let loader = world.loader();
        if table.is_empty() {
            world.may_create();
            world.sql(&format!("GRANT CREATE ON DATABASE {} TO {loader}", world.name));
        } else {
            world.sql(&ledger_ddl(&world.name, "public", &["t".to_owned()], &loader));
        }
        world
    }

    /// Without the ledger, which the first load makes: the user may.
    pub(crate) fn without_ledger() -> Self {
        let world = Self::bare(TABLE);
        world.may_create();
        world.sql(&format!("GRANT SELECT, INSERT, DELETE ON t TO {}", world.loader()));
        world
    }

    fn may_create(&self) {
        let (name, loader) = (&self.name, self.loader());
        self.sql(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {loader}; GRANT TEMP ON DATABASE {name} TO {loader}"
        ));
    }

    /// The database user that statements run as.
    pub(crate) fn loader(&self) -> String {
        format!("{}_loader", self.name)
    }

    fn bare(table: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("redshift_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = postgres::server();
        let database = server.database(&name);
        let s3 = S3Server::start();
        let redshift = Redshift::start(Setup::new(server.socket(), &name, &s3.endpoint()));
        if !table.is_empty() {
            database.run(table);
        }
        let loader = format!("{name}_loader");
        database.run(&format!(
            "CREATE ROLE {loader}; REVOKE ALL ON DATABASE {name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC"
        ));
        redshift.run_as(Some(&loader));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("schema.json"), SCHEMA).unwrap();
        Self { redshift, s3, dir, database, name }
    }

    pub(crate) fn new() -> Self {
        Self::with(TABLE)
    }

    /// With an old row in the table, and the export that replaces it.
    pub(crate) fn before_the_night() -> Self {
        let world = Self::new();
        world.sql("INSERT INTO t (id, created_at) VALUES (77, '2020-01-01')");
        world.export("full", NIGHT, OLD, &[1, 2, 3]);
        world
    }

    /// What a query says, as psql prints it unaligned.
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.database.text(sql)
    }

    /// Its database.
    #[cfg(feature = "serve")]
    pub(crate) fn database(&self) -> &Database<'static> {
        &self.database
    }

    pub(crate) fn ids(&self) -> String {
        self.sql("SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM t")
    }

    /// Puts an export of these ids, all made at `created_at`.
    pub(crate) fn export(&self, kind: &str, at: &str, created_at: &str, ids: &[i64]) {
        let mut csv = "email,created_at,score,params,active,petition_id,id\n".to_owned();
        for id in ids {
            csv += &format!("\"Ä, {id}\",{created_at},0.25,\"{{\"\"n\"\": {id}}}\",t,7,{id}\n");
        }
        self.put(kind, at, &csv);
    }

    pub(crate) fn put(&self, kind: &str, at: &str, csv: &str) {
        self.s3.put(&format!("exports/org/{kind}/t/{}/t_{at}.csv", &at[..8]), csv.to_owned());
    }

    /// Runs a test of this program again, in a process with this world's settings.
    pub(crate) fn again(&self, test: &str) {
        self.again_with(test, &[]);
    }

    /// The same, with these variables on top.
    pub(crate) fn again_with(&self, test: &str, variables: &[(String, String)]) {
        let mut command = self.with_settings(Command::new(std::env::current_exe().unwrap()));
        command.args(["--exact", test, "--nocapture"]);
        command.env("CSL_TEST_REDSHIFT_SOCKET", postgres::server().socket());
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }

    /// The name of its database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.with_settings(Command::new(env!("CARGO_BIN_EXE_csl-stream")));
        command.args(words);
        command
    }

    fn with_settings(&self, command: Command) -> Command {
        let mut command = aws::beside(&self.s3.endpoint(), command);
        let settings = [
            ("AWS_ENDPOINT_URL_REDSHIFT_DATA", self.redshift.endpoint()),
            ("CSL_WAREHOUSE_TO", "redshift".to_owned()),
            ("CSL_REDSHIFT_WORKGROUP", "wg".to_owned()),
            ("CSL_REDSHIFT_DATABASE", self.name.clone()),
            ("CSL_STAGING_URL", "s3://stage/csl".to_owned()),
            ("CSL_MANIFEST_URL", "s3://manifests".to_owned()),
            ("CSL_EXPORTS_ROOT", "s3://exports/org".to_owned()),
            ("CSL_SCHEMA_SOURCE", "schema.json".to_owned()),
            ("CSL_LOG", "csl_stream=info".to_owned()),
        ];
        command.current_dir(self.dir.path()).envs(settings);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Answer {
        let output = self.command(words).output().unwrap();
        Answer::of(output)
    }

    pub(crate) fn spawn(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub(crate) fn backfill(&self, more: &[&str]) -> Answer {
        self.run(&[&["backfill", "--table", "t", "--json"], more].concat())
    }

    /// Backfills, which must succeed, and gives the report.
    pub(crate) fn loaded(&self, more: &[&str]) -> Value {
        let answer = self.backfill(more);
        assert_eq!(answer.code, Some(0), "{answer:#?}");
        answer.json()
    }

    /// Names of objects in a bucket, without the reports of failed runs: `listing` looks at those.
    pub(crate) fn objects(&self, bucket: &str) -> Vec<String> {
        let is_meant = |name: &String| name.starts_with(bucket) && !name.contains("/_runs/");
        self.s3.names().into_iter().filter(is_meant).collect()
    }
}
