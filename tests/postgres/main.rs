//! What PostgreSQL exports comes out of us as PostgreSQL has it, to the last cell; and what we say to
//! a database, PostgreSQL understands.
//!
//! Needs PostgreSQL's programs and Python (`scripts/test` installs both). Each run takes a new seed and
//! prints it; `CSL_SEED` sets it.

#[path = "../support/cells.rs"]
mod cells;
mod corpora;
mod kept;
#[path = "../support/postgres.rs"]
mod postgres;
mod privacy;
mod profile;
mod property;
mod random;
#[path = "../support/readers.rs"]
mod readers;
#[path = "../support/run.rs"]
mod run;
#[path = "../support/truth.rs"]
mod truth;

use random::Shape;

const EVERY_READER: &[&str] = &["pyarrow", "duckdb", "polars"];

#[test]
fn many_shapes() {
    let shape = Shape { columns: 1..=40, rows: 0..=300, long_text: true };
    property::check("many_shapes", 40, &shape, EVERY_READER);
}

/// One column is a case of its own: its NULL is an empty line.
#[test]
fn one_column() {
    let shape = Shape { columns: 1..=1, rows: 0..=60, long_text: false };
    property::check("one_column", 40, &shape, EVERY_READER);
}

// A million rows and more, in parts that run side by side.
macro_rules! many_rows {
    ($($name:ident),*) => { $(
        #[test]
        fn $name() {
            let shape = Shape { columns: 4..=12, rows: 130_000..=130_000, long_text: false };
            property::check(stringify!($name), 2, &shape, &["pyarrow", "duckdb"]);
        }
    )* };
}
many_rows!(many_rows_1, many_rows_2, many_rows_3, many_rows_4);
