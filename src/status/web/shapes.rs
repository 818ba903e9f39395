//! What the API says and hears besides the pages' own models.

use crate::status::overview::RunLine;
use crate::status::sources::Silence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Loads in lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LoadList {
    /// Newest first.
    pub(super) loads: Vec<RunLine>,
    /// Sources that do not answer.
    pub(super) silent: Vec<Silence>,
}

/// Why there is no answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Fault {
    /// In one line.
    pub(super) error: String,
}

/// Which dead letters go back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedriveRequest {
    /// Their ids; one at least.
    pub(super) ids: Vec<String>,
}

/// Which went.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Redriven {
    /// Their ids.
    pub(super) ids: Vec<String>,
}
