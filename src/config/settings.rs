//! The settings of one run: typed values, each with where it came from.

use super::keys::{Key, keys};
use super::layers::Layers;
use super::origin::Origin;
use super::sections::Sections;
use crate::error::{Error, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::Path;

/// The file that is read from the current folder, if it is there.
pub const FILE_NAME: &str = "csl-stream.toml";
/// What is shown in place of a secret.
const MASK: &str = "********";

/// All settings of one run, by section, each with its origin. A section is a field: `config.load.max_rejects`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    sections: Sections,
    /// By `section.name`; a key that is not here has its default.
    origins: BTreeMap<String, Origin>,
}

impl Deref for Config {
    type Target = Sections;

    fn deref(&self) -> &Sections {
        &self.sections
    }
}

impl DerefMut for Config {
    fn deref_mut(&mut self) -> &mut Sections {
        &mut self.sections
    }
}

/// Sets a key to what a flag says, if it was given: `flag!(config.load.max_rejects, "--max-rejects", value)`.
macro_rules! flag {
    ($config:ident . $section:ident . $key:ident, $flag:literal, $value:expr) => {
        if let Some(value) = $value {
            $config.$section.$key = value.into();
            $config.set_by_flag(concat!(stringify!($section), ".", stringify!($key)), $flag);
        }
    };
}
pub(crate) use flag;

impl Config {
    /// Reads defaults, file and environment. Without `file`, [`FILE_NAME`] in the current folder is
    /// read if it is there.
    ///
    /// # Errors
    /// [`Error::Usage`] for a key or value that is not known; [`Error::Access`] if the file cannot be read.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut layers = Layers::default();
        match file {
            Some(path) => layers.read_file(path)?,
            None if Path::new(FILE_NAME).exists() => layers.read_file(Path::new(FILE_NAME))?,
            None => {}
        }
        layers.read_environment(std::env::vars_os())?;
        Self::of(layers)
    }

    fn of(layers: Layers) -> Result<Self> {
        let mut tree = Self::default().tree();
        let mut origins = BTreeMap::new();
        for (path, (value, origin)) in layers.into_iter() {
            if let Some((section, name)) = path.split_once('.') {
                tree[section][name] = value;
            }
            origins.insert(path, origin);
        }
        let sections = serde_json::from_value(tree)
            .map_err(|cause| Error::usage("the configuration cannot be understood").because(cause))?;
        Ok(Self { sections, origins })
    }

    fn tree(&self) -> Value {
        // Texts, numbers and lists under names: nothing that JSON could refuse.
        serde_json::to_value(&self.sections).unwrap_or(Value::Null)
    }

    /// Notes that a flag has set a key; [`flag!`] does both.
    pub(crate) fn set_by_flag(&mut self, path: &str, flag: &'static str) {
        self.origins.insert(path.to_owned(), Origin::Flag(flag));
    }

    /// Where the value of `section.name` came from.
    pub fn origin(&self, path: &str) -> &Origin {
        self.origins.get(path).unwrap_or(&Origin::Default)
    }

    /// The configuration file that was read, if any of its keys counted.
    pub fn file(&self) -> Option<&Path> {
        self.origins.values().find_map(|origin| match origin {
            Origin::File(path, _) => Some(path.as_path()),
            _ => None,
        })
    }

    /// Refuses keys that exclude each other, and those that need another.
    ///
    /// # Errors
    /// [`Error::Usage`] naming both keys and where they were set.
    pub fn check(&self) -> Result<()> {
        let (redshift, privacy) = (&self.redshift, &self.privacy);
        let pairs = [
            (&redshift.cluster, "redshift.cluster", &redshift.workgroup, "redshift.workgroup"),
            (&redshift.secret_arn, "redshift.secret_arn", &redshift.db_user, "redshift.db_user"),
            (&privacy.secret_file, "privacy.secret_file", &privacy.secret_arn, "privacy.secret_arn"),
        ];
        for (one, name, other, other_name) in pairs {
            if one.is_some() && other.is_some() {
                let (from, other_from) = (self.origin(name), self.origin(other_name));
                let what = format!("{name} ({from}) and {other_name} ({other_from}) exclude each other");
                return Err(Error::usage(what).help("keep one of them"));
            }
        }
        self.privacy.rules()?;
        if self.alerts.webhook_url.is_some() && self.alerts.webhook_secret.is_none() {
            let what = format!(
                "alerts.webhook_url ({}) is set, and alerts.webhook_secret is not",
                self.origin("alerts.webhook_url")
            );
            return Err(Error::usage(what).help("set both: who gets alerts must see that they are ours"));
        }
        Ok(())
    }

    /// Every key with its value and origin, secrets masked; null is not set.
    pub fn shown(&self) -> impl Iterator<Item = (&'static Key, Value, &Origin)> {
        let tree = self.tree();
        keys().iter().map(move |key| {
            let value = &tree[&key.section][&key.name];
            (key, mask(key, value), self.origin(&key.path()))
        })
    }
}

/// The value as it may be shown: no secrets, no signatures or passwords inside URLs.
fn mask(key: &Key, value: &Value) -> Value {
    match value {
        Value::Array(values) if key.secret => json!(vec![MASK; values.len()]),
        Value::Null => Value::Null,
        _ if key.secret => json!(MASK),
        Value::String(text) => json!(mask_url(text)),
        other => other.clone(),
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
#[path = "tests.rs"]
mod tests;
