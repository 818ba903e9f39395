//! What a load changed beside the rows, and how its export differs from the one before.

use serde::{Deserialize, Serialize};

/// What is otherwise since the load before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Columns that the table got, at its end.
    pub added_columns: Vec<String>,
    /// Columns whose type became wider.
    pub widened_columns: Vec<String>,
    /// Rows that a full load takes the place of: those of the last full one; 0: there was none.
    pub rows_before: u64,
    /// What looks otherwise than in the last full export.
    pub drift: Vec<Drift>,
}

/// One difference that somebody should see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The column; none: the table.
    pub column: Option<String>,
    /// What moved, in a few words of ours; never a value.
    pub rule: String,
}
