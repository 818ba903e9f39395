//! `csl-stream config`: every setting and where it came from.

use super::args::ConfigArgs;
use super::printer::{Printer, columns};
use super::settings;
use crate::config::{Config, Key, Origin, Value};
use crate::error::Result;
use serde::Serialize;

/// A setting as `--json` shows it.
#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    value: Option<Value>,
    origin: String,
    variable: String,
    about: &'static str,
}

/// Runs the command.
pub(super) fn run(printer: Printer, mut config: Config, args: &ConfigArgs) -> Result<()> {
    settings::set_exports(&mut config, args.exports.as_deref());
    settings::set_schema(&mut config, &args.schema);
    settings::set_target(&mut config, &args.target);
    config.check()?;
    let shown: Vec<Shown> = config.shown().map(|(key, value, origin)| shown(key, value, origin)).collect();
    printer.json(&shown)?;
    let row = |setting: &Shown| {
        let value = setting.value.as_ref().map_or("-".to_owned(), ToString::to_string);
        vec![setting.key.clone(), value, setting.origin.clone()]
    };
    printer.result(&columns(&shown.iter().map(row).collect::<Vec<_>>()))
}

fn shown(key: &Key, value: Option<Value>, origin: &Origin) -> Shown {
    let origin = if value.is_none() { "not set".to_owned() } else { origin.to_string() };
    Shown { key: key.path(), value, origin, variable: key.variable(), about: key.about }
}
