//! The part of `check` that is about Redshift: buckets, regions, login, role, tables, grants.

use super::check::Say;
use super::redshift::Target;
use super::settings;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::pipeline::{self, ConvertOptions, Job, Watch};
use crate::schema::{BulkSchema, DdlOptions, Layout, MissingColumns, UnknownColumns, create_table};
use crate::store::{self, ExportKind, Location, objects};
use crate::warehouse::redshift::RedshiftWarehouse;
use std::io::Write;

/// A table of one integer column, to try a copy with.
const PROBE_SCHEMA: &[u8] =
    br#"{"table":{"name":"probe","columns":{"a":{"type":"integer","sql_type":"integer"}}}}"#;
/// Its export.
const PROBE_CSV: &[u8] = b"a\n1\n";

impl Target {
    pub(super) fn check(&self, config: &Config, tables: &[String], say: &mut Say<'_>) {
        let redshift = self.redshift();
        let settings = redshift.settings();
        let staging = say.is("staging place", writable(&settings.staging)).is_some();
        if staging {
            say.is("staging region", same_region(redshift));
            say.is("staging content", own_content(redshift));
        }
        if let Some(manifests) = &settings.manifests {
            for prefix in [&manifests.prefix, &manifests.failed_prefix] {
                let place = manifests.url.child(prefix.trim_matches('/'));
                say.is("manifest place", place.and_then(|place| writable(&place)));
            }
        }
        let asked = redshift.ping().map(|()| ((), format!("{} answers", redshift.api().connection())));
        if say.is("Redshift", asked).is_none() {
            return;
        }
        if staging {
            say.is("COPY role", copies(redshift));
        }
        let schema = settings::schema(config).ok();
        for table in tables {
            say.is(&format!("table {table}"), table_is_there(redshift, schema.as_ref(), table));
        }
    }
}

/// Writes an object and takes it away again.
fn writable(place: &Location) -> Result<((), String)> {
    let probe = place.child(&format!(".check-{}", uuid::Uuid::now_v7()))?;
    objects::put(&probe, b"csl-stream check".to_vec())?;
    objects::below(place)?;
    objects::remove(&probe)?;
    Ok(((), format!("{place} can be written to, listed and removed from")))
}

/// What others put there is never touched; it is said, because a place of its own is safer.
fn own_content(redshift: &RedshiftWarehouse) -> Result<((), String)> {
    let found = match redshift.foreign_staged()? {
        None => "holds nothing but staged loads".to_owned(),
        Some((count, first)) => format!(
            "warning: the place is not csl-stream's alone: {count} objects of others, the first is {first:?}; they stay, \
             but a staging place of its own is safer"
        ),
    };
    Ok(((), found))
}

/// COPY of Parquet takes no REGION: the bucket must be where Redshift is.
fn same_region(redshift: &RedshiftWarehouse) -> Result<((), String)> {
    let staging = &redshift.settings().staging;
    let (bucket, own) = (objects::region(staging)?, redshift.api().region().unwrap_or_default());
    if bucket != own {
        return Err(Error::usage(format!("the staging bucket is in {bucket}, Redshift in {own}"))
            .at(Place::uri(staging.to_string()))
            .help("stage in a bucket of Redshift's own region: COPY of Parquet reads from no other"));
    }
    Ok(((), format!("bucket and Redshift are in {own}")))
}

fn copies(redshift: &RedshiftWarehouse) -> Result<((), String)> {
    let place = redshift.probe_place()?;
    let copied = copy_into(redshift, &place);
    redshift.end_probe(&place);
    copied.map(|()| ((), format!("{} can copy from the staging place", redshift.settings().iam_role)))
}

fn copy_into(redshift: &RedshiftWarehouse, place: &Location) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new()
        .map_err(|e| Error::machine("cannot make a temporary file").because(e))?;
    file.write_all(PROBE_CSV).map_err(|cause| Error::io("cannot write", file.path(), cause))?;
    let job = Job {
        load_id: uuid::Uuid::now_v7().to_string(),
        table: BulkSchema::parse(PROBE_SCHEMA, "the probe")?.table("probe")?.clone(),
        kind: ExportKind::Full,
        source: store::open(&Location::Local(file.path().to_owned()))?,
        exported_at: None,
        rejects: None,
    };
    let options = ConvertOptions { threads: 1, ..ConvertOptions::default() };
    let sink = store::sink(place)?;
    let report = pipeline::convert(job, &options, &*sink, &Watch::default()).map_err(|(_, error)| error)?;
    redshift.probe_copy(place, &report.files)
}

fn table_is_there(
    redshift: &RedshiftWarehouse,
    schema: Option<&BulkSchema>,
    table: &str,
) -> Result<((), String)> {
    let target = redshift.target(table)?;
    redshift.probe_load(&target)?;
    if let Some(table) = schema.and_then(|schema| schema.table(table).ok()) {
        let header: Vec<String> = table.columns.keys().cloned().collect();
        let layout = Layout::bind(&header, table, UnknownColumns::Fail, MissingColumns::Fail)?;
        // Columns that only the table has may be wanted: a load decides that by its flags.
        target.fit(layout, table, MissingColumns::Null)?;
    }
    Ok((
        (),
        format!("{} columns, the schema fits, and each statement of a load may run", target.columns.len()),
    ))
}

/// The statement that makes a table, without its semicolon.
pub(super) fn ddl(table: &crate::schema::Table, schema: &str) -> Result<String> {
    let options = DdlOptions { schema: Some(schema.to_owned()), replace: false };
    Ok(create_table(table, &options)?.sql.trim_end().trim_end_matches(';').to_owned())
}
