//! `csl-stream check`: everything that a load needs, one line each, ✔ or ✖ with the help.

use super::args::CheckArgs;
use super::catalog;
use super::notices;
use super::printer::Printer;
use super::settings;
use super::target::Target;
use super::work;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::schema::BulkSchema;
use crate::store::{self, ExportKind, Location};
use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    ok: bool,
    /// What was found, or what is wrong.
    found: String,
    help: Option<String>,
}

/// Takes what was looked at, one by one.
pub(super) struct Say<'a> {
    printer: Printer,
    checked: &'a mut Vec<Checked>,
    first: &'a mut Option<Error>,
}

impl Say<'_> {
    /// Who prints.
    #[cfg(not(feature = "aws"))]
    pub(super) fn printer(&self) -> Printer {
        self.printer
    }

    /// Says how a check ended, and gives what it found.
    pub(super) fn is<T>(&mut self, name: &str, result: Result<(T, String)>) -> Option<T> {
        let (value, checked, error) = match result {
            Ok((value, found)) => {
                (Some(value), Checked { name: name.to_owned(), ok: true, found, help: None }, None)
            }
            Err(error) => {
                let help = error.detail().map(|detail| detail.help.clone()).filter(|help| !help.is_empty());
                let checked = Checked { name: name.to_owned(), ok: false, found: error.to_string(), help };
                (None, checked, Some(error))
            }
        };
        let sign = if checked.ok { '✔' } else { '✖' };
        let mut line = format!("{sign} {name}: {}", checked.found);
        if let Some(help) = &checked.help {
            line += &format!("\n    {help}");
        }
        // A closed stdout has had enough; the exit code still says it.
        let _ = self.printer.result(&line);
        self.checked.push(checked);
        if let Some(error) = error {
            self.first.get_or_insert(error);
        }
        value
    }
}

/// Runs the command.
pub(super) fn run(printer: Printer, config: Result<Config>, args: &CheckArgs) -> Result<()> {
    let (mut checked, mut first) = (Vec::new(), None);
    let mut say = Say { printer, checked: &mut checked, first: &mut first };
    let configured = config.and_then(|config| configured(config, args));
    if let Some(config) =
        say.is("configuration", configured.map(|config| (config, "is understood".to_owned())))
    {
        check(&config, args, &mut say);
    }
    printer.json(&checked)?;
    // Told above already: only its exit code is left.
    first.map_or(Ok(()), |error| Err(summed(error, &checked)))
}

fn configured(mut config: Config, args: &CheckArgs) -> Result<Config> {
    settings::set_exports(&mut config, args.exports.as_deref());
    settings::set_schema(&mut config, &args.schema);
    settings::set_warehouse(&mut config, args.to.as_deref());
    config.check()?;
    Ok(config)
}

fn check(config: &Config, args: &CheckArgs, say: &mut Say<'_>) {
    let schema = settings::schema(config).map(|schema| {
        let found = format!("{} tables", schema.tables.len());
        (schema, found)
    });
    let schema = say.is("bulk schema", schema);
    let tables = tables(config, args, schema.as_ref());
    for table in &tables {
        if let Some(schema) = &schema {
            say.is(
                &format!("schema of {table}"),
                schema.table(table).map(|table| ((), format!("{} columns", table.columns.len()))),
            );
        }
        say.is(&format!("exports of {table}"), newest(config, table));
    }
    let target = Target::of(config);
    let shown = target.as_ref().map(Target::shown).unwrap_or_default();
    match say.is("warehouse", target.map(|target| (target, shown))) {
        Some(Target::Redshift(target)) => target.check(config, &tables, say),
        Some(Target::Local(_, dir)) => {
            say.is("warehouse folder", writable(&dir));
        }
        None => {}
    }
    notices::check(config, say);
    catalog::check(config, say);
    work::check(config, say);
}

fn tables(config: &Config, args: &CheckArgs, schema: Option<&BulkSchema>) -> Vec<String> {
    if !args.tables.is_empty() {
        return args.tables.clone();
    }
    if config.text("work.tables") == Some("all") {
        return schema
            .into_iter()
            .flat_map(|schema| schema.tables.iter().map(|table| table.name.clone()))
            .collect();
    }
    config.list("work.tables").iter().map(ToString::to_string).collect()
}

fn newest(config: &Config, table: &str) -> Result<((), String)> {
    let root = config.text("exports.root").ok_or_else(|| {
        Error::usage("no exports were named").help("give --exports, or set exports.root in csl-stream.toml")
    })?;
    let found = store::discover(&Location::parse(root)?, ExportKind::Full, table, None)?;
    let source = store::open(&found.location)?;
    Ok(((), format!("{} can be read", source.info().uri)))
}

/// A folder that is not there yet is made by the first load, if the one above it can be written to.
fn writable(dir: &std::path::Path) -> Result<((), String)> {
    let failed = |cause| Error::io("the warehouse's folder cannot be written to", dir, cause);
    let existing = dir.ancestors().find(|place| place.exists());
    let existing =
        existing.filter(|place| !place.as_os_str().is_empty()).unwrap_or_else(|| std::path::Path::new("."));
    tempfile::NamedTempFile::new_in(existing).map_err(failed)?;
    Ok(((), format!("{} can be written to", dir.display())))
}

/// An error of the first one's class: its exit code says what to fix first.
fn summed(mut error: Error, checked: &[Checked]) -> Error {
    let failed = checked.iter().filter(|checked| !checked.ok).count();
    let what = format!("{failed} of {} checks failed", checked.len());
    let help = "fix the first one first: others may come of it";
    error = match error {
        Error::Usage(_) => Error::usage(what),
        Error::Access(_) => Error::access(what),
        Error::Schema(_) => Error::schema(what),
        Error::Transient(_) => Error::transient(what),
        Error::Input(_) => Error::input(what),
        Error::Interrupted => return Error::Interrupted,
        _ => Error::machine(what),
    };
    error.help(help)
}
