//! Where every setting comes from: flag, then environment, then `csl-stream.toml`, then default.
//!
//! ```text
//! --max-rejects 5          flag          ┐
//! CSL_LOAD_MAX_REJECTS=3   environment   ├─▶ Config: value + where it came from
//! [load] max_rejects = 1   file:line     │
//! 0                        default       ┘
//! ```

mod keys;

pub use keys::{KEYS, Key, Kind};

use crate::error::{Error, Place, Result};
use keys::nearest;
use serde::Serialize;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The file that is read from the current folder, if it is there.
pub const FILE_NAME: &str = "csl-stream.toml";
/// Longest configuration file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// What is shown in place of a secret.
const MASK: &str = "********";

/// The value of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Text, also the word of a choice.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(texts) => write!(f, "{texts:?}"),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file, at this line.
    File(PathBuf, usize),
    /// This environment variable.
    Environment(String),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// All settings of one run, each with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Beside [`KEYS`]: the value of each key.
    settings: Vec<(Option<Value>, Origin)>,
}

impl Config {
    /// Reads defaults, file and environment. Without `file`, [`FILE_NAME`] in the current folder is
    /// read if it is there.
    ///
    /// # Errors
    /// [`Error::Usage`] for a key or value that is not known; [`Error::Access`] if the file cannot be read.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut config = Self::defaults();
        match file {
            Some(path) => config.read_file(path)?,
            None if Path::new(FILE_NAME).exists() => config.read_file(Path::new(FILE_NAME))?,
            None => {}
        }
        config.read_environment(std::env::vars_os())?;
        Ok(config)
    }

    /// Every key as if nobody had set anything.
    pub fn defaults() -> Self {
        let setting = |key: &Key| {
            let value = key.default.map(|text| {
                parse_text(key.kind, text)
                    .expect("the defaults in KEYS are of their key's kind, as a test checks")
            });
            (value, Origin::Default)
        };
        Self { settings: KEYS.iter().map(setting).collect() }
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        let length = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::usage("there is no such configuration file")
                    .at(Place::uri(path.display().to_string()))
                    .help("correct --config, or leave it out"));
            }
            Err(cause) => return Err(Error::io("cannot read the configuration", path, cause)),
        };
        if length > FILE_BYTES_MAX {
            return Err(Error::usage(format!("the configuration is longer than {FILE_BYTES_MAX} bytes"))
                .at(Place::uri(path.display().to_string())));
        }
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::io("cannot read the configuration", path, cause))?;
        self.read_toml(path, &text)
    }

    /// Takes the keys of a configuration file's text.
    fn read_toml(&mut self, path: &Path, text: &str) -> Result<()> {
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
            if !KEYS.iter().any(|key| key.section == section) {
                let known = KEYS.iter().map(|key| key.section);
                return Err(unknown(
                    &format!("unknown section [{section}]"),
                    nearest(section, known),
                    &place,
                ));
            }
            let DeValue::Table(table) = table.get_ref() else {
                return Err(
                    Error::usage(format!("{section} is a section: write [{section}]")).at(Place::uri(place))
                );
            };
            for (name, value) in table {
                let (line, place) = at(name.span().start);
                let index = find(section, name.get_ref().as_ref(), &place)?;
                let value = parse_toml(KEYS[index].kind, value.get_ref())
                    .ok_or_else(|| wrong(&KEYS[index], Place::uri(&*place)))?;
                self.settings[index] = (Some(value), Origin::File(path.to_owned(), line));
            }
        }
        Ok(())
    }

    /// Takes `CSL_<SECTION>_<KEY>` variables. Those of other sections (`CSL_LOG`) are not ours.
    fn read_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<()> {
        for (variable, value) in variables {
            let Some(variable) = variable.to_str().filter(|name| name.starts_with("CSL_")) else { continue };
            let place = Place::uri(format!("environment variable {variable}"));
            let Some(index) = KEYS.iter().position(|key| key.variable() == variable) else {
                refuse_near_variable(variable)?;
                continue;
            };
            let value = value.to_str().and_then(|text| parse_text(KEYS[index].kind, text));
            let value = value.ok_or_else(|| wrong(&KEYS[index], place))?;
            self.settings[index] = (Some(value), Origin::Environment(variable.to_owned()));
        }
        Ok(())
    }

    /// A flag that was given wins over everything else.
    pub fn set_flag(&mut self, path: &str, flag: &'static str, value: Option<Value>) {
        if let Some(value) = value {
            self.settings[index_of(path)] = (Some(value), Origin::Flag(flag));
        }
    }

    /// Refuses keys that exclude each other.
    ///
    /// # Errors
    /// [`Error::Usage`] naming both keys and where they were set.
    pub fn check(&self) -> Result<()> {
        let pairs = [("redshift.cluster", "redshift.workgroup"), ("redshift.secret_arn", "redshift.db_user")];
        for (one, other) in pairs {
            if self.text(one).is_some() && self.text(other).is_some() {
                let (from_one, from_other) = (self.origin(one), self.origin(other));
                return Err(Error::usage(format!(
                    "{one} ({from_one}) and {other} ({from_other}) exclude each other"
                ))
                .help("keep one of them"));
            }
        }
        Ok(())
    }

    /// The text of a key; `path` is `section.name`.
    pub fn text(&self, path: &str) -> Option<&str> {
        match &self.settings[index_of(path)].0 {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of a key.
    pub fn number(&self, path: &str) -> Option<u64> {
        match &self.settings[index_of(path)].0 {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The texts of a key.
    pub fn list(&self, path: &str) -> &[String] {
        match &self.settings[index_of(path)].0 {
            Some(Value::List(texts)) => texts,
            _ => &[],
        }
    }

    /// Where a key's value came from.
    pub fn origin(&self, path: &str) -> &Origin {
        &self.settings[index_of(path)].1
    }

    /// Every key with its value, fit to be shown to anybody, and its origin.
    pub fn shown(&self) -> impl Iterator<Item = (&'static Key, Option<Value>, &Origin)> {
        KEYS.iter()
            .zip(&self.settings)
            .map(|(key, (value, origin))| (key, value.as_ref().map(|v| mask(key, v)), origin))
    }
}

/// Position of `section.name`; all callers name keys of the contract.
fn index_of(path: &str) -> usize {
    let is_it = |key: &Key| path.split_once('.') == Some((key.section, key.name));
    KEYS.iter().position(is_it).expect("callers name keys of KEYS, and each is used by a test")
}

fn find(section: &str, name: &str, place: &str) -> Result<usize> {
    let found = KEYS.iter().position(|key| key.section == section && key.name == name);
    found.ok_or_else(|| {
        let known = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
        unknown(&format!("unknown key {section}.{name}"), nearest(name, known), place)
    })
}

fn unknown(what: &str, near: Option<&str>, place: &str) -> Error {
    let help =
        near.map_or("`csl-stream config` lists all keys".to_owned(), |near| format!("did you mean {near}?"));
    Error::usage(what).at(Place::uri(place)).help(help)
}

fn wrong(key: &Key, place: Place) -> Error {
    Error::usage(format!("{} must be {}", key.path(), key.kind.wanted())).at(place).help("correct the value")
}

/// A variable of one of our sections that is no key is a slip of the pen, and would be ignored in silence.
fn refuse_near_variable(variable: &str) -> Result<()> {
    let ours =
        KEYS.iter().any(|key| variable.starts_with(&format!("CSL_{}_", key.section.to_ascii_uppercase())));
    if !ours {
        return Ok(());
    }
    let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let near = nearest(variable, known.iter().map(String::as_str));
    Err(unknown("unknown key in the environment", near, &format!("environment variable {variable}")))
}

/// A value as it stands in the environment or in [`Key::default`].
fn parse_text(kind: Kind, text: &str) -> Option<Value> {
    let list = || text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    match kind {
        Kind::Number | Kind::Count => checked(kind, Value::Number(text.parse().ok()?)),
        Kind::ListOrAll if text == "all" => Some(Value::Text(text.to_owned())),
        Kind::List | Kind::Words(_) | Kind::ListOrAll => checked(kind, Value::List(list())),
        Kind::Text | Kind::Word(_) | Kind::Listen => checked(kind, Value::Text(text.to_owned())),
    }
}

/// A value as it stands in the file.
fn parse_toml(kind: Kind, value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => checked(kind, Value::Text(text.to_string())),
        DeValue::Integer(number) => {
            let number = u64::from_str_radix(number.as_str(), number.radix()).ok()?;
            checked(kind, Value::Number(number))
        }
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            });
            checked(kind, Value::List(texts.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// The value, if it is of this kind.
fn checked(kind: Kind, value: Value) -> Option<Value> {
    let fits = match (kind, &value) {
        (Kind::Text, Value::Text(text)) => !text.is_empty(),
        (Kind::Number, Value::Number(_)) => true,
        (Kind::Count, Value::Number(number)) => *number > 0,
        (Kind::Word(words), Value::Text(text)) => words.contains(&text.as_str()),
        (Kind::Listen, Value::Text(text)) => {
            text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        }
        (Kind::ListOrAll, Value::Text(text)) => text == "all",
        (Kind::List | Kind::ListOrAll, Value::List(texts)) => texts.iter().all(|text| !text.is_empty()),
        (Kind::Words(words), Value::List(texts)) => texts.iter().all(|text| words.contains(&text.as_str())),
        _ => false,
    };
    fits.then_some(value)
}

/// The value as it may be shown: no secrets, no signatures or passwords inside URLs.
fn mask(key: &Key, value: &Value) -> Value {
    match value {
        Value::List(texts) if key.secret => Value::List(vec![MASK.to_owned(); texts.len()]),
        _ if key.secret => Value::Text(MASK.to_owned()),
        Value::Text(text) => Value::Text(mask_url(text)),
        Value::Number(_) | Value::List(_) => value.clone(),
    }
}

/// A URL without its query and password; other text as it is.
pub fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit_once('@').map_or(host.to_owned(), |(_, host)| format!("{MASK}@{host}"));
    let path = path.map_or(String::new(), |path| format!("/{path}"));
    format!("{scheme}://{host}{path}{query}")
}

#[cfg(test)]
mod tests;
