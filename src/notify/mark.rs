//! What somebody wants to hear of, and what was told already.

use crate::store::ExportKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A load that failed.
    Failure,
    /// A message that became a dead letter.
    DeadLetter,
    /// A table that was changed to fit the schema.
    SchemaChange,
    /// An export that looks otherwise than the one before.
    Drift,
}

impl Subject {
    /// As alerts and the configuration spell it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::DeadLetter => "dead_letter",
            Self::SchemaChange => "schema_change",
            Self::Drift => "drift",
        }
    }
}

/// A cause that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Seconds since 1970.
    pub(super) since: u64,
    /// Whether it was told; else it may still pass.
    pub(super) told: bool,
    pub(super) kind: ExportKind,
    pub(super) dead: bool,
    /// The last export that it was true of.
    pub(super) export: String,
    pub(super) exported_at: Option<String>,
    /// What of it was told: columns that drifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) items: Vec<String>,
}

/// The causes of one table that one listener knows of.
pub(super) type Marks = BTreeMap<String, Mark>;
