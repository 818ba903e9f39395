//! The settings, and whether everything that a load needs is in place.

use super::sources::Checks;
use crate::config::Config;
use crate::features::built_in;
use crate::report::Checked;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The settings.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct SettingsPage {
    /// The program.
    pub(super) version: String,
    /// Features that it was built with.
    pub(super) features: Vec<String>,
    /// The file that they are from, if there is one.
    pub(super) file: Option<String>,
    /// Each setting; secrets and what is secret in an address are masked.
    pub(super) settings: Vec<Setting>,
    /// What `check` found the last time it was asked here.
    pub(super) checks: ChecksShown,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Setting {
    /// Its name.
    pub(super) key: String,
    /// Its value, as it would stand in the file; none if it is not set.
    pub(super) value: Option<String>,
    /// Where it came from.
    pub(super) origin: String,
    /// What it is.
    pub(super) about: String,
}

/// What `check` found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(super) struct ChecksShown {
    /// Whether it is under way.
    pub(super) is_under_way: bool,
    /// When it ended, RFC 3339 in UTC; none if it was never asked.
    pub(super) at: Option<String>,
    /// One thing after the other.
    pub(super) found: Vec<CheckShown>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct CheckShown {
    /// What it is.
    pub(super) name: String,
    /// Whether it is as a load needs it.
    pub(super) ok: bool,
    /// What was found, or what is wrong.
    pub(super) found: String,
    /// What helps.
    pub(super) help: Option<String>,
}

impl SettingsPage {
    /// The page of a configuration.
    pub(super) fn of(config: &Config, checks: &Checks) -> Self {
        let setting = |(key, value, origin): (&crate::config::Key, Value, &crate::config::Origin)| {
            let value = text(&value);
            let origin = if value.is_some() { origin.to_string() } else { "not set".to_owned() };
            Setting { key: key.path(), value, origin, about: key.about.to_owned() }
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: built_in().into_iter().map(|feature| feature.name().to_owned()).collect(),
            file: config.file().map(|file| file.display().to_string()),
            settings: config.shown().map(setting).collect(),
            checks: ChecksShown {
                is_under_way: checks.is_under_way,
                at: checks.at.map(crate::ops::state::timestamp),
                found: checks.found.iter().map(CheckShown::of).collect(),
            },
        }
    }
}

impl CheckShown {
    fn of(checked: &Checked) -> Self {
        let Checked { name, ok, found, help } = checked.clone();
        Self { name, ok, found, help }
    }
}

/// A value as it would stand in the file; none for nothing.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(pairs) if pairs.is_empty() => None,
        other => Some(other.to_string()),
    }
}
