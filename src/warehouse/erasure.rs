//! What is asked of a warehouse when people are to be erased from a table, and what it answers.

use crate::privacy::{Mark, Marked, Marks, PolicyId};
use crate::report::words::plural;
use serde::Serialize;
use std::collections::BTreeSet;

/// What the ledger names as the source of a run that erased.
pub const ERASE_SOURCE: &str = "csl-stream erase";
/// The column that tells rows apart.
pub const ID: &str = "id";
/// Values that one run may erase: a statement of Redshift holds two hashes for each.
pub const VALUES_MAX: usize = 500;

/// Whose rows are to go out of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// UUIDv7 of the run.
    pub erase_id: String,
    /// Table name.
    pub table: String,
    /// Column that tells whose a row is.
    pub column: String,
    /// What it holds of them.
    pub values: Vec<String>,
    /// What a rule of privacy has made of the values, where the table may hold that.
    pub hidden: BTreeSet<String>,
    /// The policy of privacy that loads of the table have now.
    pub privacy: Option<PolicyId>,
    /// Count, and change nothing.
    pub dry_run: bool,
}

impl Erasure {
    /// Marks of the values; those under which earlier runs remember theirs have the salt.
    pub fn marks(&self, known: &Marks) -> Marks {
        // Random enough: a salt must be nobody else's, not secret.
        let fresh = || self.erase_id.replace('-', "");
        let salt = known.salt_of(&self.column).map_or_else(fresh, str::to_owned);
        Marks::new(self.values.iter().map(|value| Mark::of(&self.column, &salt, value, &self.erase_id)))
    }

    /// Whether rows of a load under other rules cannot be told by the column: what its values were made by is not known.
    /// Rows are known by their ids under whichever rules.
    pub fn tells_by_rules(&self) -> bool {
        self.column != ID
    }

    /// What knows the values again, also those that a rule has hidden.
    pub fn wanted(&self) -> Wanted {
        Wanted { marked: self.marks(&Marks::default()).of_column(&self.column), hidden: self.hidden.clone() }
    }
}

/// Knows the values of one column that are to go.
#[derive(Debug, Clone)]
pub struct Wanted {
    marked: Marked,
    hidden: BTreeSet<String>,
}

impl Wanted {
    /// Whether a value is one of them.
    pub fn has(&self, value: &[u8]) -> bool {
        self.marked.has(value) || std::str::from_utf8(value).is_ok_and(|text| self.hidden.contains(text))
    }
}

/// What became of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// It held nothing of them.
    Nothing,
    /// It is written anew without them.
    Rewritten,
    /// It is gone.
    Removed,
    /// The values are remembered there, as salted hashes.
    Marked,
    /// It holds something of them, or may, and is as it was.
    Left,
}

/// A place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Where it is.
    pub place: String,
    /// What it is.
    pub what: &'static str,
    /// Rows or records of theirs, where that can be counted.
    pub rows: Option<u64>,
    /// What became of it; of a dry run, what would.
    pub done: Done,
    /// Why it is as it was.
    pub why: Option<String>,
    /// Whether it goes by itself.
    #[serde(skip)]
    pub passes: bool,
}

impl Touched {
    /// A place of so many rows of theirs, which is without any then.
    pub fn new(place: impl Into<String>, what: &'static str, rows: Option<u64>, done: Done) -> Self {
        Self { place: place.into(), what, rows, done, why: None, passes: false }
    }

    /// A place that stays as it is.
    pub fn left(place: impl Into<String>, what: &'static str, why: impl Into<String>) -> Self {
        Self { why: Some(why.into()), ..Self::new(place, what, None, Done::Left) }
    }

    /// Rows of so many loads that nobody can be told in.
    pub fn untold(place: impl Into<String>, what: &'static str, loads: u64) -> Self {
        let why = format!(
            "rows of {} made under other rules, or without the column, cannot be told: load a full export, or erase by --id",
            plural(loads, "load")
        );
        Self::left(place, what, why)
    }

    /// The same, of which nobody need do anything.
    #[must_use]
    pub fn passing(self) -> Self {
        Self { passes: true, ..self }
    }
}

/// What a warehouse did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Rows that went out of the table that readers see.
    pub rows: u64,
    /// Rows that are left in it.
    pub rows_left: u64,
    /// Every place that was looked at.
    pub touched: Vec<Touched>,
}
