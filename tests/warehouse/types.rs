//! Types that move between loads: widened where nothing is lost, else refused. Whatever is loaded, every
//! reader reads.

use csl_stream::pipeline::{ConvertOptions, Job, Watch, backfill};
use csl_stream::schema::BulkSchema;
use csl_stream::store::{ByteSource, ExportKind, ObjectInfo};
use csl_stream::warehouse::LocalWarehouse;
use csl_stream::{Error, Result};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

struct Text(ObjectInfo, std::io::Cursor<Vec<u8>>);

impl ByteSource for Text {
    fn info(&self) -> &ObjectInfo {
        &self.0
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        std::io::Read::read(&mut self.1, buf).map_err(|cause| Error::machine("memory").because(cause))
    }
}

/// Loads rows `id,v` with `v` of this type.
pub(super) fn load(dir: &Path, kind: ExportKind, at: &str, sql_type: &str, rows: &str) -> Result<()> {
    let schema = serde_json::json!({"tables": [{"table": {"name": "t", "columns": {
        "id": {"type": "integer", "sql_type": "bigint"}, "v": {"type": "string", "sql_type": sql_type}}}}]});
    let table =
        BulkSchema::parse(schema.to_string().as_bytes(), "schema").unwrap().table("t").unwrap().clone();
    let csv = format!("id,v\n{rows}");
    let info = ObjectInfo { uri: format!("s3://b/{at}.csv"), etag: Some(at.to_owned()), bytes: None };
    let source = Box::new(Text(info, std::io::Cursor::new(csv.into_bytes())));
    let mut job = Job::new(&uuid::Uuid::now_v7().to_string(), table, kind, source);
    job.request.exported_at = Some(at.to_owned());
    let done = backfill(
        job,
        &ConvertOptions { threads: 1, ..ConvertOptions::default() },
        &LocalWarehouse::new(dir),
        &Watch::default(),
    );
    done.map(drop).map_err(|(_, error)| error)
}

/// Old and new type, a value of each, and the values as they are read; none if they do not go together.
type Case = (&'static str, &'static str, &'static str, &'static str, Option<[&'static str; 2]>);

const CASES: &[Case] = &[
    ("integer", "bigint", "7", "5000000000", Some(["7", "5000000000"])),
    ("bigint", "integer", "5000000000", "7", Some(["5000000000", "7"])),
    ("smallint", "integer", "-7", "70000", Some(["-7", "70000"])),
    ("smallint", "bigint", "-7", "5000000000", Some(["-7", "5000000000"])),
    ("integer", "smallint", "70000", "7", Some(["70000", "7"])),
    ("real", "double precision", "0.5", "0.1", Some(["0.5", "0.1"])),
    ("character varying(5)", "text", "abc", "longer than five", Some(["abc", "longer than five"])),
    (
        "uuid",
        "text",
        "019371c2-0000-7000-8000-000000000000",
        "x",
        Some(["019371c2-0000-7000-8000-000000000000", "x"]),
    ),
    (
        "numeric(5,2)",
        "numeric(20,2)",
        "-1.50",
        "123456789012345678.25",
        Some(["-1.50", "123456789012345678.25"]),
    ),
    ("numeric(5,2)", "numeric(9,4)", "-1.50", "1.2345", Some(["-1.5000", "1.2345"])),
    ("integer", "text", "7", "seven", None),
    ("text", "integer", "seven", "7", None),
    ("boolean", "integer", "t", "1", None),
    ("date", "timestamp without time zone", "2026-03-01", "2026-03-01 00:00:00", None),
    (
        "timestamp without time zone",
        "timestamp with time zone",
        "2026-03-01 00:00:00",
        "2026-03-01 00:00:00+00",
        None,
    ),
    ("bigint", "double precision", "7", "0.5", None),
    ("integer", "numeric(10,0)", "7", "8", None),
];

/// An incremental of other types upon a full export, and a full export under a later incremental.
fn tables(case: &Case) -> Vec<(TempDir, Result<()>)> {
    let (old, new, one, two, _) = *case;
    let (one, two) = (format!("1,{one}\n2,\n"), format!("3,{two}\n4,\n"));
    let orders = [(ExportKind::Full, ExportKind::Incremental), (ExportKind::Incremental, ExportKind::Full)];
    let table = |(first, second): (ExportKind, ExportKind)| {
        let dir = tempfile::tempdir().unwrap();
        let (early, late) = ("20260302031500", "20260302031600");
        let (first_at, second_at) = if first == ExportKind::Full { (early, late) } else { (late, early) };
        load(dir.path(), first, first_at, old, &one).unwrap();
        let second = load(dir.path(), second, second_at, new, &two);
        (dir, second)
    };
    orders.into_iter().map(table).collect()
}

#[test]
fn moved_types_are_widened_or_refused() {
    let mut sound = Vec::new();
    for case in CASES {
        for (dir, second) in tables(case) {
            match (case.4, second) {
                (Some(_), second) => second.unwrap_or_else(|error| panic!("{case:?}: {error}")),
                (None, second) => {
                    let error = second.unwrap_err();
                    assert_eq!(error.exit_code(), 4, "{case:?}: {error}");
                    let said = error.to_string();
                    let word = |name: &str| {
                        if name.starts_with("numeric") { "numeric".to_owned() } else { name.to_owned() }
                    };
                    assert!(said.contains(&word(case.0)) && said.contains(&word(case.1)), "{case:?}: {said}");
                }
            }
            #[cfg(feature = "query")]
            check_query(dir.path(), case);
            sound.push((dir, *case));
        }
    }
    check_others(&sound);
}

#[cfg(feature = "query")]
fn check_query(dir: &Path, case: &Case) {
    use csl_stream::warehouse::query::{Format, Query, run};
    let mut out = Vec::new();
    let query = Query {
        sql: "select v from t where v is not null order by id",
        warehouse: Some(dir),
        files: &[],
        given: &[],
    };
    run(&query, Format::Csv, &mut out).unwrap_or_else(|error| panic!("{case:?}: {error}"));
    let mut read: Vec<String> = String::from_utf8(out).unwrap().lines().skip(1).map(str::to_owned).collect();
    read.sort();
    if let Some(expected) = case.4 {
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(read, expected, "{case:?}");
    }
}

/// DuckDB and PyArrow, each by the files and by the folder.
fn check_others(tables: &[(TempDir, Case)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = Command::new(root.join("scripts/venv")).output().unwrap();
    assert!(venv.status.success(), "{}", String::from_utf8_lossy(&venv.stderr));
    let python = String::from_utf8(venv.stdout).unwrap();
    let script = r#"
import duckdb, os, sys
import polars, pyarrow.dataset, pyarrow.parquet
for current in sys.argv[1:]:
    version = os.path.realpath(current)
    rows = pyarrow.dataset.dataset(version, format="parquet").to_table()
    frame = pyarrow.parquet.read_table(version)
    duck = duckdb.sql(f"SELECT id, v FROM '{current}/*.parquet' ORDER BY id").fetchall()
    pl = polars.scan_parquet(f"{version}/*.parquet").collect()
    assert len(duck) == rows.num_rows == frame.num_rows == pl.height, version
    key = sorted(zip(rows["id"].to_pylist(), rows["v"].to_pylist()))
    assert key == duck, (key, duck)
"#;
    let folders = tables.iter().map(|(dir, _)| dir.path().join("t/current"));
    let output = Command::new(python.trim_end()).args(["-c", script]).args(folders).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_needs_no_change_keeps_its_bytes() {
    let dir = tempfile::tempdir().unwrap();
    load(dir.path(), ExportKind::Full, "20260302031500", "integer", "1,1\n").unwrap();
    let files = |dir: &Path| LocalWarehouse::new(dir).snapshot("t").unwrap().files;
    let before = std::fs::read(&files(dir.path())[0]).unwrap();
    load(dir.path(), ExportKind::Incremental, "20260302031600", "integer", "2,2\n").unwrap();
    assert_eq!(std::fs::read(&files(dir.path())[0]).unwrap(), before);
    let plain = tempfile::tempdir().unwrap();
    load(plain.path(), ExportKind::Incremental, "20260302031600", "integer", "2,2\n").unwrap();
    assert_eq!(
        std::fs::read(&files(dir.path())[1]).unwrap(),
        std::fs::read(&files(plain.path())[0]).unwrap()
    );
    // A file that is written anew never takes the name of the old one.
    let old = files(dir.path());
    load(dir.path(), ExportKind::Incremental, "20260302031700", "bigint", "3,3\n").unwrap();
    let new = files(dir.path());
    assert!(old.iter().all(|old| !new.iter().any(|new| new.file_name() == old.file_name())), "{new:?}");
    assert!(new.is_sorted(), "names sort in load order: {new:?}");
}
