//! One random table through everything.
//!
//! ```text
//! plan ──SQL──▶ PostgreSQL ──COPY CSV──▶ csl-stream convert ──▶ Parquet ─┬─ the parquet crate ─┐
//!                    └──csl_truth──▶ truth ──────────────────────────────┼─────────────────────┤ equal?
//!                                                                        └─ PyArrow, DuckDB … ─┘
//! ```

use crate::cells::{Kind, parquet_files, read_parquet};
use crate::postgres::{Database, server};
use crate::profile;
use crate::random::{Plan, Shape};
use crate::readers::{Comparison, Readers};
use crate::run::{Convert, said};
use crate::truth::read_truth;
use fastrand::Rng;
use std::path::Path;

/// A new seed each time, or the one that `CSL_SEED` names.
pub(crate) fn seed() -> u64 {
    std::env::var("CSL_SEED")
        .map_or_else(|_| fastrand::u64(..), |seed| seed.parse().expect("CSL_SEED is a number"))
}

/// Runs `cases` random tables of a shape, and all of them with one seed.
pub(crate) fn check(name: &str, cases: u32, shape: &Shape, readers: &[&str]) {
    let seed = seed();
    println!("{name}: CSL_SEED={seed}");
    // Two tests with one seed still make different tables.
    let mixed = name.bytes().fold(seed, |mixed, byte| mixed.rotate_left(5) ^ u64::from(byte));
    let database = server().database(name);
    database.run(include_str!("hostile.sql"));
    profile::prepare(&database);
    let mut others = Readers::start();
    let mut rows = 0;
    for case in 0..cases {
        let plan = Plan::random(&mut Rng::with_seed(mixed.wrapping_add(case.into())), shape);
        let scratch = tempfile::Builder::new().prefix("csl-property-").tempdir().expect("a folder");
        if let Err(problem) = check_plan(&plan, &database, scratch.path(), &mut others, readers) {
            let kept = scratch.keep();
            std::fs::write(kept.join("table.sql"), plan.sql("t")).ok();
            panic!("{problem}\ncase {case} of {name}, CSL_SEED={seed}; its files are in {}", kept.display());
        }
        rows += plan.rows;
    }
    println!("{name}: {rows} rows in {cases} tables are as PostgreSQL says");
}

fn check_plan(
    plan: &Plan,
    database: &Database<'_>,
    scratch: &Path,
    others: &mut Readers,
    readers: &[&str],
) -> Result<(), String> {
    database.run(&plan.sql("t"));
    let path = |name: &str| scratch.join(name);
    let (input, schema, truth) = (path("t.csv"), path("schema.json"), path("truth.tsv"));
    database.copy_out_to("t", plan.zone, &input);
    database.truth_to("t", &truth);
    std::fs::write(&schema, database.run("SELECT csl_schema('t', 't')")).expect("writable");
    let profiled = profile::profile(database, "t");
    database.run("DROP TABLE t");

    let names: Vec<String> = plan.columns.iter().map(|column| column.name.clone()).collect();
    let sql_types: Vec<String> = plan.columns.iter().map(|column| column.described()).collect();
    let kinds: Vec<Kind> = sql_types.iter().map(|sql_type| Kind::of_sql_type(sql_type)).collect();
    let expected = read_truth(&truth, &kinds);
    let accepted = expected[0].len();

    let mut more = plan.flags.clone();
    more.extend(["--max-rejects".into(), (plan.rows as usize - accepted).to_string()]);
    more.extend(["--rejects".into(), path("rejects.csv").display().to_string()]);
    let convert = Convert {
        input: &input,
        schema: &schema,
        table: "t",
        out: &path("out"),
        report: &path("report.json"),
        more,
    };
    let (output, report) = convert.run();
    if !output.status.success() {
        return Err(said(&output));
    }
    let report = report.ok_or("no report was written")?;
    let counted = &report["rows"];
    let wanted =
        [("read", plan.rows as usize), ("accepted", accepted), ("rejected", plan.rows as usize - accepted)];
    for (count, wanted) in wanted {
        if counted[count] != wanted {
            return Err(format!("the report counts {count} = {}, want {wanted}", counted[count]));
        }
    }
    let problem = profile::first_difference(&report["columns"], &profiled, &sql_types, accepted as u64);
    if let Some(problem) = problem {
        return Err(problem);
    }

    let files = parquet_files(convert.out);
    if files.is_empty() && accepted == 0 {
        return Ok(());
    }
    let (found_names, found) = read_parquet(&files, &kinds);
    if found_names != names {
        return Err(format!("columns {found_names:?}, want {names:?}"));
    }
    for ((column, found), expected) in plan.columns.iter().zip(&found).zip(&expected) {
        if let Some((row, found, expected)) = found.first_difference(expected) {
            let (name, sql_type) = (&column.name, column.described());
            return Err(format!(
                "column {name:?} ({sql_type}), row {row}: {found}, but PostgreSQL has {expected}"
            ));
        }
    }
    let comparison =
        Comparison { files: &files, names: &names, sql_types: &sql_types, truth: &truth, readers };
    let problems = others.compare(&comparison);
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}
