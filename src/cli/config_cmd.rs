//! `csl-stream config`: every setting and where it came from.

use super::args::ConfigArgs;
use super::flags;
use super::printer::{Printer, columns};
use crate::config::{Config, Key, Origin, json_schema};
use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::Value;

/// A setting as `--json` shows it.
#[derive(Debug, Serialize)]
struct Shown {
    key: String,
    value: Value,
    origin: String,
    variable: String,
    about: &'static str,
}

/// Shows every setting.
pub(super) fn show(printer: Printer, mut config: Config, args: &ConfigArgs) -> Result<()> {
    flags::set_exports(&mut config, args.exports.as_deref());
    flags::set_schema(&mut config, &args.schema);
    flags::set_target(&mut config, &args.target);
    config.check()?;
    let shown: Vec<Shown> = config.shown().map(|(key, value, origin)| shown(key, value, origin)).collect();
    printer.json(&shown)?;
    let row = |setting: &Shown| {
        let value = if is_set(&setting.value) { text(&setting.value) } else { "-".to_owned() };
        vec![setting.key.clone(), value, setting.origin.clone()]
    };
    printer.long(&columns(&shown.iter().map(row).collect::<Vec<_>>()))
}

/// Prints the JSON Schema of the file, for editors and validators.
pub(super) fn schema(printer: Printer) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(&json_schema())
        .map_err(|cause| Error::machine("cannot write the schema as JSON").because(cause))?;
    bytes.push(b'\n');
    printer.raw(&bytes)
}

fn shown(key: &'static Key, value: Value, origin: &Origin) -> Shown {
    let origin = if is_set(&value) { origin.to_string() } else { "not set".to_owned() };
    let value = if is_set(&value) { value } else { Value::Null };
    Shown { key: key.path(), value, origin, variable: key.variable(), about: &key.about }
}

/// A list or table without anything in it is one that nobody has set.
fn is_set(value: &Value) -> bool {
    let is_empty =
        value.as_array().map(Vec::is_empty).or_else(|| value.as_object().map(serde_json::Map::is_empty));
    !value.is_null() && is_empty != Some(true)
}

/// As it would stand in the file.
fn text(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Array(list) => format!("[{}]", joined(list.iter().map(Value::to_string).collect())),
        Value::Object(pairs) => {
            let pair = |(name, one): (&String, &Value)| format!("{} = {one}", Value::from(name.as_str()));
            format!("{{ {} }}", joined(pairs.iter().map(pair).collect()))
        }
        other => other.to_string(),
    }
}
