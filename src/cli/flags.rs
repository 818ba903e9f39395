//! From flags to what `ops` takes: flags that have a key win over the configuration, the others are a request.

#[cfg(feature = "query")]
use super::args::QueryExportArgs;
use super::args::{ConversionArgs, SchemaArgs, TargetArgs};
use crate::config::{Config, Destination, flag};
use crate::error::{Error, Place, Result};
use crate::ops::{Conversion, Location};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// The flags of [`SchemaArgs`] win over the configuration.
pub(super) fn set_schema(config: &mut Config, args: &SchemaArgs) {
    flag!(config.schema.source, "--schema", args.schema.clone());
}

/// `--exports` wins over the configuration.
pub(super) fn set_exports(config: &mut Config, exports: Option<&str>) {
    flag!(config.exports.root, "--exports", exports.map(str::to_owned));
}

/// The flags of [`TargetArgs`] win over the configuration.
pub(super) fn set_target(config: &mut Config, args: &TargetArgs) {
    set_warehouse(config, args.to.as_deref());
    flag!(config.warehouse.keep_versions, "--keep-versions", args.keep_versions.and_then(NonZeroU32::new));
    flag!(config.load.create_table, "--create-table", args.create_table.then_some(true));
}

/// `--to` wins over the configuration.
pub(super) fn set_warehouse(config: &mut Config, to: Option<&str>) {
    flag!(config.warehouse.to, "--to", to.map(|to| Destination(to.to_owned())));
}

/// The flags of [`ConversionArgs`] that have a key win over the configuration.
pub(super) fn set_conversion(config: &mut Config, args: &ConversionArgs) {
    set_schema(config, &args.schema);
    flag!(config.cluster.scheduler, "--cluster", args.cluster.cluster.clone());
    flag!(config.cluster.tls, "--cluster-tls", args.cluster.cluster_tls.clone());
    flag!(config.load.max_rejects, "--max-rejects", args.max_rejects);
    flag!(config.load.overlong, "--overlong", args.overlong);
    flag!(config.load.empty_strings, "--empty-strings", args.empty_strings);
    flag!(config.load.unknown_columns, "--unknown-columns", args.unknown_columns);
    flag!(config.load.missing_columns, "--missing-columns", args.missing_columns);
}

/// The flags of [`QueryExportArgs`] that have a key win over the configuration.
#[cfg(feature = "query")]
pub(super) fn set_query_export(config: &mut Config, args: &QueryExportArgs) {
    set_schema(config, &args.schema);
    flag!(config.load.max_rejects, "--max-rejects", args.max_rejects);
    flag!(config.load.overlong, "--overlong", args.overlong);
    flag!(config.load.empty_strings, "--empty-strings", args.empty_strings);
    flag!(config.load.unknown_columns, "--unknown-columns", args.unknown_columns);
    flag!(config.load.missing_columns, "--missing-columns", args.missing_columns);
}

/// Those that have none.
pub(super) fn conversion(args: &ConversionArgs) -> Result<Conversion> {
    let row_group_bytes = args.row_group_size.map(usize::try_from).transpose();
    Ok(Conversion {
        threads: args.threads.map(usize::from),
        segment_bytes: args.segment_size,
        row_group_bytes: row_group_bytes
            .map_err(|cause| Error::usage("--row-group-size is too large for this machine").because(cause))?,
        codec: args.codec,
        text_bytes_max: args.text_bytes_max,
        allow_open_end: args.allow_open_end,
    })
}

/// Longest file that `@FILE` names.
const URL_FILE_BYTES_MAX: u64 = 64 << 10;

/// An export as the command line names it; `@FILE` is a file whose first line names it, so that a signed URL, which
/// is a password, is not in the list of processes.
pub(super) fn export(text: &OsStr) -> Result<Location> {
    match text.to_str().and_then(|text| text.strip_prefix('@')) {
        Some(file) => named_in(Path::new(file)),
        None => location(text),
    }
}

fn named_in(file: &Path) -> Result<Location> {
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(URL_FILE_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|cause| Error::io("cannot read the file that names the export", file, cause))?;
    let named = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(|line| !line.is_empty());
    let named = named.ok_or_else(|| {
        Error::usage("the file names no export")
            .at(Place::uri(file.display().to_string()))
            .help("write the URL, or the path, of the export into its first line")
    })?;
    Location::parse(named)
}

/// A location as the shell gave it; a path need not be UTF-8.
pub(super) fn location(text: &OsStr) -> Result<Location> {
    text.to_str().map_or_else(|| Ok(Location::Local(PathBuf::from(text))), Location::parse)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_help_of_a_flag_names_the_default_of_its_key() {
        let command = super::super::args::Cli::command();
        let backfill = command.find_subcommand("backfill").unwrap();
        for key in crate::config::keys() {
            let Some(default) = key.default_text() else { continue };
            let named = |flag: &&clap::Arg| {
                flag.get_help()
                    .is_some_and(|help| help.to_string().contains(&format!("[config: {};", key.path())))
            };
            if let Some(flag) = backfill.get_arguments().find(named) {
                let help = flag.get_help().unwrap().to_string();
                assert!(help.contains(&format!("default: {default}]")), "{help}");
            }
        }
    }
}
