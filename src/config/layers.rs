//! The layers below the flags: `csl-stream.toml`, then the environment.
//!
//! Read by hand, because none of the libraries looked at (figment, confique, config) keeps the line of a value
//! of a TOML file, or refuses a misspelt variable; what a value may be comes from the structs all the same.

use super::keys::{Key, Kind, keys, nearest};
use super::origin::Origin;
use super::sections::REDSHIFT;
use crate::error::{Error, Place, Result};
use crate::store::private;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Longest configuration file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Values that somebody set, by `section.name`; a later one wins.
#[derive(Debug, Default)]
pub(super) struct Layers(BTreeMap<String, (Value, Origin)>);

impl Layers {
    /// What was set, and where.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (String, (Value, Origin))> {
        self.0.into_iter()
    }

    /// Takes a configuration file.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<()> {
        let place = || Place::uri(path.display().to_string());
        let length = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::usage("there is no such configuration file")
                    .at(place())
                    .help("correct --config, or leave it out"));
            }
            Err(cause) => return Err(Error::io("cannot read the configuration", path, cause)),
        };
        if length > FILE_BYTES_MAX {
            let what = format!("the configuration is longer than {FILE_BYTES_MAX} bytes");
            return Err(Error::usage(what).at(place()));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::io("cannot read the configuration", path, cause))?;
        self.read_toml(path, &text)?;
        let is_secret = |(name, (_, origin)): (&String, &(Value, Origin))| {
            matches!(origin, Origin::File(..)) && keys().iter().any(|key| key.secret && key.path() == *name)
        };
        if self.0.iter().any(is_secret)
            && let Some(mode) = private::open_to_all(path)
        {
            let file = path.display();
            tracing::warn!(
                "{file} holds secrets, and every user can read it (mode {mode:o}): chmod 600 {file}"
            );
        }
        Ok(())
    }

    /// Takes the keys of a configuration file's text; relative paths count from the file's folder.
    pub(super) fn read_toml(&mut self, path: &Path, text: &str) -> Result<()> {
        let at = |byte: usize| {
            let line = 1 + text[..byte.min(text.len())].matches('\n').count();
            (line, format!("{}:{line}", path.display()))
        };
        let document = DeTable::parse(text).map_err(|error| {
            let (_, place) = at(error.span().map_or(0, |span| span.start));
            Error::usage(format!("not a configuration file: {}", error.message()))
                .at(Place::uri(place))
                .help("correct the line; https://toml.io describes the format")
        })?;
        for (section, table) in document.get_ref() {
            let (_, place) = at(section.span().start);
            let section = section.get_ref().as_ref();
            if !keys().iter().any(|key| key.section == section) {
                let near = nearest(section, keys().iter().map(|key| key.section.as_str()));
                return Err(unknown(&format!("unknown section [{section}]"), near, &place));
            }
            let DeValue::Table(table) = table.get_ref() else {
                let what = format!("{section} is a section: write [{section}]");
                return Err(Error::usage(what).at(Place::uri(place)));
            };
            for (name, value) in table {
                let (line, place) = at(name.span().start);
                let key = find(section, name.get_ref().as_ref(), &place)?;
                let value = json_of(value.get_ref()).and_then(|value| key.kind.checked(value));
                let value = value.ok_or_else(|| wrong(key, Place::uri(place)))?;
                let value = if key.is_path { beside(path, value) } else { value };
                self.0.insert(key.path(), (value, Origin::File(path.to_owned(), line)));
            }
        }
        Ok(())
    }

    /// Takes `CSL_<SECTION>_<KEY>` variables. Those of other sections (`CSL_LOG`) are not ours. A variable
    /// that is set to nothing is not set: Docker Compose and Terraform write unset ones that way.
    pub(super) fn read_environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<()> {
        for (variable, value) in variables.filter(|(_, value)| !value.is_empty()) {
            let Some(variable) = variable.to_str().filter(|name| name.starts_with("CSL_")) else { continue };
            let Some(key) = keys().iter().find(|key| key.variable() == variable) else {
                refuse_near(variable)?;
                continue;
            };
            let place = || Place::uri(format!("environment variable {variable}"));
            let value = value.to_str().and_then(|text| key.kind.parse(text));
            let value = value.ok_or_else(|| wrong(key, place()))?;
            self.0.insert(key.path(), (value, Origin::Environment(variable.to_owned())));
        }
        Ok(())
    }
}

/// A relative path of a configuration file as seen from the current folder.
fn beside(file: &Path, value: Value) -> Value {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match (value.as_str(), folder) {
        (Some(text), Some(folder)) if is_relative(text) => match folder.join(text).to_str() {
            Some(joined) => json!(joined),
            None => value,
        },
        _ => value,
    }
}

/// Neither a URL nor a word with a meaning of its own, nor one that is meant to be it.
fn is_relative(text: &str) -> bool {
    let is_word = !text.contains(['/', '\\', '.']) && nearest(text, [REDSHIFT].into_iter()).is_some();
    !text.contains("://") && text != "-" && !is_word && Path::new(text).is_relative()
}

fn json_of(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(json!(text)),
        DeValue::Integer(number) => Some(json!(u64::from_str_radix(number.as_str(), number.radix()).ok()?)),
        DeValue::Boolean(flag) => Some(json!(flag)),
        DeValue::Array(values) => values.iter().map(|value| json_of(value.get_ref())).collect(),
        DeValue::Table(table) => {
            // In the order of the file, which counts.
            let mut pairs: Vec<_> = table.iter().collect();
            pairs.sort_by_key(|(name, _)| name.span().start);
            let pairs = pairs
                .into_iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), json_of(value.get_ref())?)));
            pairs.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
        }
        _ => None,
    }
}

fn find(section: &str, name: &str, place: &str) -> Result<&'static Key> {
    let found = keys().iter().find(|key| key.section == section && key.name == name);
    found.ok_or_else(|| {
        let known = keys().iter().filter(|key| key.section == section).map(|key| key.name.as_str());
        unknown(&format!("unknown key {section}.{name}"), nearest(name, known), place)
    })
}

fn unknown(what: &str, near: Option<&str>, place: &str) -> Error {
    let help =
        near.map_or("`csl-stream config` lists all keys".to_owned(), |near| format!("did you mean {near}?"));
    Error::usage(what).at(Place::uri(place)).help(help)
}

fn wrong(key: &Key, place: Place) -> Error {
    let what = format!("{} must be {}", key.path(), Kind::wanted(&key.kind));
    Error::usage(what).at(place).help("correct the value")
}

/// A variable of one of our sections that is no key is a slip of the pen, and would be ignored in silence.
fn refuse_near(variable: &str) -> Result<()> {
    let is_ours = |key: &Key| variable.starts_with(&format!("CSL_{}_", key.section.to_ascii_uppercase()));
    if !keys().iter().any(is_ours) {
        return Ok(());
    }
    let known: Vec<String> = keys().iter().map(Key::variable).collect();
    let near = nearest(variable, known.iter().map(String::as_str));
    Err(unknown("unknown key in the environment", near, &format!("environment variable {variable}")))
}
