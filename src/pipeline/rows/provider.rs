//! An export as a table of DataFusion.

use super::export::Opening;
use super::scan::ExportScan;
use super::source::Source;
use crate::error::Result;
use crate::pipeline::options::ConvertOptions;
use crate::schema::{Layout, Table};
use crate::store::ObjectInfo;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result as QueryResult;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// An export as a table of DataFusion: CSV, plain or compressed, wherever it lies. A query reads it as it is, as many
/// times as it names it; the columns are those that a conversion by the same options would write, with the same values.
///
/// What a conversion would refuse is an error with its place; see [`ExportRows::read`](super::ExportRows::read) for what is looked at.
#[derive(Clone)]
pub struct ExportTable(Arc<Source>);

impl ExportTable {
    /// Opens an export of a table and reads its header. Blocks; inside an async program call it from a blocking task.
    ///
    /// # Errors
    /// Those of a conversion, up to its first record.
    pub fn open(opening: Opening, table: &Table, options: &ConvertOptions) -> Result<Self> {
        Ok(Self(Arc::new(Source::open(opening, table, options)?)))
    }

    /// What each field of a record becomes.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// The object that is read.
    pub fn info(&self) -> &ObjectInfo {
        &self.0.info
    }

    /// What is to be said of records that queries have left out, if any were.
    pub fn left_out(&self) -> Option<String> {
        self.0.left_out()
    }
}

type Scanned<'a> = Pin<Box<dyn Future<Output = QueryResult<Arc<dyn ExecutionPlan>>> + Send + 'a>>;

impl TableProvider for ExportTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// With a limit one worker reads, and the rows are the first of the file.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        state: &'life1 dyn Session,
        projection: Option<&'life2 Vec<usize>>,
        _: &'life3 [Expr],
        limit: Option<usize>,
    ) -> Scanned<'async_trait>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        let partitions = if limit.is_some() { 1 } else { state.config().target_partitions() };
        let given = projection.cloned().unwrap_or_else(|| (0..self.0.schema.fields().len()).collect());
        let scan = self.0.schema.project(&given).map_err(Into::into).map(|schema| {
            let scan = ExportScan::new(Arc::clone(&self.0), given, Arc::new(schema), limit, partitions);
            Arc::new(scan) as Arc<dyn ExecutionPlan>
        });
        Box::pin(async { scan })
    }
}

impl fmt::Debug for ExportTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportTable").field("table", &self.0.table.name).field("uri", &self.0.uri()).finish()
    }
}
