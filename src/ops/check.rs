//! Everything that a load needs, one thing after the other.

use super::export::{self, ExportChoice};
use super::tables::{Chosen, Names};
use super::{glue_job, listeners, privacy, retention, schema, target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::{self, ConvertOptions, Job, Watch};
use crate::report::words::plural;
use crate::schema::{BulkSchema, Table};
use crate::store::{self, ExportKind, Location};
use std::io::Write;
use std::path::Path;

pub use crate::report::{Checked, Checklist};

/// A table of one integer column, to try a copy with.
const PROBE_SCHEMA: &[u8] =
    br#"{"table":{"name":"probe","columns":{"a":{"type":"integer","sql_type":"integer"}}}}"#;
/// Its export.
const PROBE_CSV: &[u8] = b"a\n1\n";

/// Looks at schema, exports, warehouse, listeners, job and queues, and notes each in `list`. Unless tables are
/// chosen it takes those of `work.tables`. What a load does is tried on files and a temporary table of its
/// own, which are removed. With `send_test`, who hears of alerts gets a test.
pub fn check(config: &Config, names: Option<&Chosen>, send_test: bool, list: &mut Checklist<'_>) {
    let schema = schema::read(config).map(|schema| {
        let found = plural(schema.tables.len() as u64, "table");
        (schema, found)
    });
    let schema = list.is("bulk schema", schema);
    let names = tables(config, names, schema.as_ref(), list);
    for name in &names {
        if let Some(schema) = &schema {
            let found = schema.table(name).map(|table| plural(table.columns.len() as u64, "column"));
            list.says(&format!("schema of {name}"), found);
        }
        list.says(&format!("exports of {name}"), newest(config, name));
    }
    let chosen = |name: &String| schema.as_ref().and_then(|schema| schema.table(name).ok());
    list.says("privacy", privacy::checked(config, names.iter().filter_map(chosen)));
    let warehouse = target::open(config).map(|warehouse| {
        let shown = warehouse.shown();
        (warehouse, shown)
    });
    if let Some(warehouse) = list.is("warehouse", warehouse) {
        let rules = config.privacy.rules().unwrap_or_default();
        let table = |name: &String| chosen(name)?.under(&rules).ok();
        let tables: Vec<(String, Option<Table>)> =
            names.iter().map(|name| (name.clone(), table(name))).collect();
        warehouse.check(&tables, &write_probe, list);
    }
    listeners::check(config, send_test, list);
    glue_job::check(config, list);
    #[cfg(feature = "serve")]
    super::queues::check(config, list);
    retention::check(config, Path::new(""), list);
}

fn tables(
    config: &Config,
    chosen: Option<&Chosen>,
    schema: Option<&BulkSchema>,
    list: &mut Checklist<'_>,
) -> Vec<String> {
    match (chosen, config.work.tables.named(), schema) {
        (Some(Chosen::Named(names)), _, _) => names.clone(),
        (None, Some(names), _) => names.to_vec(),
        (Some(Chosen::All), _, Some(schema)) => {
            let found = Names::all(config, schema, &ExportChoice::default());
            list.is(
                "exports",
                found.map(|names| {
                    let said = said(&names);
                    (names.chosen, said)
                }),
            )
            .unwrap_or_default()
        }
        (None, None, Some(schema)) => schema.loadable().map(|table| table.name.clone()).collect(),
        (_, _, None) => Vec::new(),
    }
}

fn said(names: &Names) -> String {
    let with = plural(names.chosen.len() as u64, "table");
    let mut text = format!("{with} with one, {} without", names.without.len());
    if let Some(warning) = names.warning() {
        text += &format!("; {warning}");
    }
    text
}

fn newest(config: &Config, table: &str) -> Result<String> {
    let found = store::discover(&export::root(config)?, ExportKind::Full, table, None)?;
    let source = store::open(&found.location)?;
    Ok(format!("{} can be read", source.info().uri))
}

/// Converts one row into a place, as a load would.
fn write_probe(place: &Location) -> Result<Vec<crate::report::FileReport>> {
    let mut file = tempfile::NamedTempFile::new()
        .map_err(|cause| Error::machine("cannot make a temporary file").because(cause))?;
    file.write_all(PROBE_CSV).map_err(|cause| Error::io("cannot write", file.path(), cause))?;
    let table = BulkSchema::parse(PROBE_SCHEMA, "the probe")?.table("probe")?.clone();
    let source = store::open(&Location::Local(file.path().to_owned()))?;
    let job = Job::new(&uuid::Uuid::now_v7().to_string(), table, ExportKind::Full, source);
    let options = ConvertOptions { threads: 1, ..ConvertOptions::default() };
    let sink = store::sink(place)?;
    let report = pipeline::convert(job, &options, &*sink, &Watch::default()).map_err(|(_, error)| error)?;
    Ok(report.files)
}
