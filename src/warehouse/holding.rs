//! A table as it is compared with an export: what it holds, column by column.

use crate::error::Result;
use crate::report::ColumnReport;
use crate::schema::{Layout, Table};
use crate::store::ObjectInfo;

/// Which rows of a table are looked at, and how closely: those that a full export brought, as far as they can be told
/// from those that came later.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The load that brought them, one that the table holds; none: the export itself is compared, whoever loaded it.
    pub load_id: Option<&'a str>,
    /// The export.
    pub source: &'a ObjectInfo,
    /// When it was made, `YYYYMMDDhhmmss`.
    pub exported_at: Option<&'a str>,
    /// The greatest `created_at` in it, as PostgreSQL writes it.
    pub newest: Option<&'a str>,
    /// Sum up the hashes of texts too.
    pub hashes: bool,
}

/// What a table holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Rows that were looked at.
    pub rows: u64,
    /// Rows that were left out, because they came after the export.
    pub later: u64,
    /// Its columns, in its order.
    pub columns: Vec<ColumnReport>,
    /// What is to be known about the comparison.
    pub notes: Vec<String>,
}

/// A table that stays as it is while it is held, as far as its warehouse can do that.
pub trait Holding {
    /// What a load would make of an export's columns, without being stopped by what does not fit.
    fn fit(&self, layout: Layout, table: &Table) -> Layout {
        let _ = table;
        layout
    }

    /// Whether this load is the last full one that is in the table, as far as the ledger says.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    fn holds(&self, load_id: &str) -> Result<bool>;

    /// Sums the columns up.
    ///
    /// # Errors
    /// Those of the warehouse.
    fn sum_up(&self, scope: &Scope<'_>) -> Result<Held>;
}
