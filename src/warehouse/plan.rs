//! What a load would do to a table, before it does.

use super::LoadRequest;
use crate::error::Error;
use crate::schema::{Difference, MissingColumns, Table, TargetTable};
use serde::Serialize;

/// A load as far as it is known before a byte of it is read.
#[derive(Debug)]
pub struct Intent<'a> {
    /// The load, under an id of its own.
    pub request: LoadRequest,
    /// The table as the schema knows it.
    pub table: &'a Table,
    /// Columns of the schema that the file lacks.
    pub missing_columns: MissingColumns,
    /// Make the table if it is not there.
    pub create_table: bool,
    /// All choices that shape the files, in words: the same words, the same files.
    pub choices: String,
}

/// What a plan says of the table.
#[derive(Debug, Default, Serialize)]
pub struct TargetPlan {
    /// The table, or none if it would be created or is missing.
    pub table: Option<TargetTable>,
    /// Whether it would be created.
    pub created: bool,
    /// What it and the export do not have in common.
    pub differences: Vec<Difference>,
    /// The statements of the load, one transaction.
    pub sql: Vec<String>,
    /// Why nothing can be loaded.
    #[serde(skip)]
    pub misfit: Option<Error>,
}
