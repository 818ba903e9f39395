//! From flags and configuration to what the path takes.

use super::args::{ConversionArgs, ExportArgs, SchemaArgs, TargetArgs};
use crate::config::{Config, Value};
use crate::error::{Error, Result};
use crate::pipeline::ConvertOptions;
use crate::schema::{BulkSchema, SCHEMA_BYTES_MAX};
use crate::store::{self, Location};
use crate::warehouse::KEEP_VERSIONS;
use clap::ValueEnum;
use std::ffi::OsStr;
use std::path::PathBuf;

/// The warehouse of the contract that is not a folder.
const REDSHIFT: &str = "redshift";

fn text(value: Option<&str>) -> Option<Value> {
    value.map(|value| Value::Text(value.to_owned()))
}

fn word<T: ValueEnum>(value: Option<T>) -> Option<Value> {
    value.and_then(|value| value.to_possible_value()).map(|value| Value::Text(value.get_name().to_owned()))
}

/// The flags of [`SchemaArgs`] win over the configuration.
pub(super) fn set_schema(config: &mut Config, args: &SchemaArgs) {
    config.set_flag("schema.source", "--schema", text(args.schema.as_deref()));
}

/// `--exports` wins over the configuration.
pub(super) fn set_exports(config: &mut Config, exports: Option<&str>) {
    config.set_flag("exports.root", "--exports", text(exports));
}

/// The flags of [`TargetArgs`] win over the configuration.
pub(super) fn set_target(config: &mut Config, args: &TargetArgs) {
    set_warehouse(config, args.to.as_deref());
    let keep = args.keep_versions.map(|n| Value::Number(u64::from(n)));
    config.set_flag("warehouse.keep_versions", "--keep-versions", keep);
}

/// `--to` wins over the configuration.
pub(super) fn set_warehouse(config: &mut Config, to: Option<&str>) {
    config.set_flag("warehouse.to", "--to", text(to));
}

/// The flags of [`ConversionArgs`] that have a key win over the configuration.
pub(super) fn set_conversion(config: &mut Config, args: &ConversionArgs) {
    set_schema(config, &args.schema);
    config.set_flag("load.max_rejects", "--max-rejects", args.max_rejects.map(Value::Number));
    config.set_flag("load.overlong", "--overlong", word(args.overlong));
    config.set_flag("load.empty_strings", "--empty-strings", word(args.empty_strings));
}

/// What the path is told, after [`set_conversion`].
pub(super) fn convert_options(config: &Config, args: &ConversionArgs) -> Result<ConvertOptions> {
    let mut options = ConvertOptions {
        codec: args.codec,
        max_rejects: config.number("load.max_rejects").unwrap_or(0),
        overlong: chosen(config, "load.overlong")?,
        empty_strings: chosen(config, "load.empty_strings")?,
        unknown_columns: args.unknown_columns,
        missing_columns: args.missing_columns,
        text_bytes_max: args.text_bytes_max,
        ..ConvertOptions::default()
    };
    if let Some(threads) = args.threads {
        options.threads = usize::from(threads);
    }
    if let Some(bytes) = args.segment_size {
        options.segment_bytes = bytes;
    }
    if let Some(bytes) = args.row_group_size {
        options.row_group_bytes = usize::try_from(bytes)
            .map_err(|cause| Error::usage("--row-group-size is too large for this machine").because(cause))?;
    }
    Ok(options)
}

/// The word of a key as the choice it stands for.
fn chosen<T: ValueEnum + Default>(config: &Config, path: &str) -> Result<T> {
    let Some(word) = config.text(path) else { return Ok(T::default()) };
    T::from_str(word, false).map_err(|cause| Error::usage(format!("{path}: {cause}")))
}

/// Reads the bulk schema that flags or configuration name.
pub(super) fn schema(config: &Config) -> Result<BulkSchema> {
    read_schema(&schema_location(config)?).map(|(schema, _)| schema)
}

/// Where flags or configuration say that the bulk schema is.
pub(super) fn schema_location(config: &Config) -> Result<Location> {
    let source = config.text("schema.source").ok_or_else(|| {
        Error::usage("no bulk schema was named").help(
            "give --schema FILE|URL, or set schema.source in csl-stream.toml; \
             the URL is https://<your host>/api/bulk_data/schema.json",
        )
    })?;
    Location::parse(source)
}

/// Reads and checks a bulk schema, and gives its bytes too.
pub(super) fn read_schema(location: &Location) -> Result<(BulkSchema, Vec<u8>)> {
    let origin = location.to_string();
    let bytes = store::fetch_small(location, SCHEMA_BYTES_MAX).map_err(|error| error.in_object(&origin))?;
    Ok((BulkSchema::parse(&bytes, &origin)?, bytes))
}

/// An export that was named or found.
#[derive(Debug, Clone)]
pub(super) struct FoundExport {
    pub(super) location: Location,
    pub(super) exported_at: Option<String>,
}

/// The export that `--export` names, or the newest below the root.
pub(super) fn find_export(
    config: &Config,
    named: Option<Location>,
    args: &ExportArgs,
    table: &str,
) -> Result<FoundExport> {
    if let Some(location) = named {
        let exported_at = store::exported_at_of(&location);
        return Ok(FoundExport { location: absolute(location), exported_at });
    }
    let root = config.text("exports.root").ok_or_else(|| {
        Error::usage("no exports were named").help(
            "give --exports FOLDER|s3://bucket/slug, or --export FILE for one export, or set exports.root in \
             csl-stream.toml",
        )
    })?;
    let found = store::discover(&Location::parse(root)?, args.kind, table, args.date.as_deref())?;
    Ok(FoundExport { location: absolute(found.location), exported_at: Some(found.exported_at) })
}

/// The ledger knows an export by its name: the same file must have the same name from every folder.
/// A pipe's link (`/dev/fd/63`) leads nowhere that could be opened, so it is left as it is.
fn absolute(location: Location) -> Location {
    match location {
        Location::Local(path) if path.is_file() => Location::Local(path.canonicalize().unwrap_or(path)),
        Location::Local(path) => Location::Local(std::path::absolute(&path).unwrap_or(path)),
        other => other,
    }
}

/// Whether tables go into Redshift, and not into a folder.
pub(super) fn is_redshift(config: &Config) -> bool {
    config.text("warehouse.to") == Some(REDSHIFT)
}

/// The folder of the local warehouse.
pub(super) fn warehouse_dir(config: &Config) -> Result<PathBuf> {
    let to = config.text("warehouse.to").unwrap_or("./warehouse");
    if to == REDSHIFT {
        return Err(Error::usage("this needs a warehouse in a folder, and the warehouse is Redshift")
            .help("name the folder: --to ./warehouse"));
    }
    match Location::parse(to)? {
        Location::Local(path) => Ok(path),
        other => Err(Error::usage(format!("a warehouse cannot be at {other}"))
            .help("name a folder: --to ./warehouse; to write Parquet into a bucket, use convert --out")),
    }
}

/// How many versions are kept, the current one among them.
pub(super) fn keep_versions(config: &Config) -> Result<usize> {
    let Some(number) = config.number("warehouse.keep_versions") else { return Ok(KEEP_VERSIONS) };
    usize::try_from(number).map_err(|cause| Error::usage("keep_versions is too large").because(cause))
}

/// A location as the shell gave it; a path need not be UTF-8.
pub(super) fn location(text: &OsStr) -> Result<Location> {
    text.to_str().map_or_else(|| Ok(Location::Local(PathBuf::from(text))), Location::parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_kept_versions_are_the_warehouses_wherever_they_are_written() {
        assert_eq!(keep_versions(&Config::defaults()).unwrap(), KEEP_VERSIONS);
        let command = super::super::args::Cli::command();
        let backfill = command.find_subcommand("backfill").unwrap();
        let flag = backfill.get_arguments().find(|flag| flag.get_id() == "keep_versions").unwrap();
        let help = flag.get_help().unwrap().to_string();
        assert!(help.contains(&format!("default: {KEEP_VERSIONS}]")), "{help}");
    }
}
