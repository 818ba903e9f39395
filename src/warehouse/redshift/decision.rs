//! Whether a load may go ahead, by what the catalogue and the ledger answer, one after the other.

use super::admission::{Asked, Known, Rule};
use super::catalogue::Catalogue;
use super::data_api::{DataApi, Fault};
use super::sql::Seen;
use crate::ledger::Cover;
use crate::schema::TargetTable;
use crate::warehouse::{Admission, LoadRequest};

/// What is known before a load, by the catalogue and the ledger.
pub(super) fn known(api: &DataApi, schema: &str, asked: &Asked<'_>, with_lock: bool) -> Result<Known, Fault> {
    let catalogue = Catalogue::ask(api, schema, asked.table())?;
    let rows = api.query(&Known::sql(schema, asked, with_lock, &catalogue))?;
    Ok(Known::read(&rows, catalogue))
}

/// What is decided before a load, as statements and their answers, for whoever runs them otherwise than by the
/// Data API.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    schema: &'a str,
    asked: Asked<'a>,
    rule: Rule,
}

/// Rows of an answer, as texts.
type Answer = [Vec<Option<String>>];

impl<'a> Decision<'a> {
    /// Of a load into this table.
    pub fn of(request: &'a LoadRequest, target: &'a TargetTable, cover: Cover) -> Self {
        Self { schema: &target.schema, asked: Asked::from(request), rule: Rule::of(cover, target) }
    }

    /// What the catalogue is asked.
    pub fn catalogue(&self) -> String {
        Catalogue::sql(self.schema, self.asked.table())
    }

    /// What the ledger is asked, by the catalogue's answer.
    pub fn ledger(&self, catalogue: &Answer) -> String {
        Known::sql(self.schema, &self.asked, true, &Catalogue::read(catalogue))
    }

    /// Whether the load may go ahead, and what its transaction takes for given.
    pub fn made(&self, catalogue: &Answer, ledger: &Answer) -> (Admission, Seen) {
        let known = Known::read(ledger, Catalogue::read(catalogue));
        (known.admission(&self.asked, self.rule), known.seen())
    }
}
