//! One scan of an export in a query's plan: each partition is a worker of one reading.

use super::reading::Reading;
use super::source::Source;
use crate::error::{Error, Result};
use crate::warehouse::query::Told;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as QueryResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Batches of a partition that wait for whoever takes them.
const BATCHES_WAITING_MAX: usize = 2;

/// See the module's description.
pub(super) struct ExportScan {
    source: Arc<Source>,
    /// Columns of the layout, in the order of the batches.
    given: Vec<usize>,
    schema: SchemaRef,
    /// Rows that are enough.
    limit: Option<usize>,
    properties: Arc<PlanProperties>,
    begun: Mutex<Begun>,
}

/// Which readings have begun. A plan may be run again: the n-th run of any partition is part of the n-th reading.
#[derive(Default)]
struct Begun {
    by_partition: Vec<usize>,
    runs: Vec<Arc<Run>>,
}

/// One reading, which its first worker begins.
#[derive(Default)]
struct Run(Mutex<Option<Result<Arc<Reading>>>>);

impl Run {
    fn reading(&self, source: &Source, given: &[usize]) -> Result<Arc<Reading>> {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reading.get_or_insert_with(|| source.read(given).map(Arc::new)) {
            Ok(reading) => Ok(Arc::clone(reading)),
            Err(error) => Err(error.copied()),
        }
    }
}

impl ExportScan {
    pub(super) fn new(
        source: Arc<Source>,
        given: Vec<usize>,
        schema: SchemaRef,
        limit: Option<usize>,
        partitions: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let begun = Begun { by_partition: vec![0; partitions], runs: Vec::new() };
        Self { source, given, schema, limit, properties: Arc::new(properties), begun: Mutex::new(begun) }
    }

    /// The reading that this run of a partition is part of.
    fn run(&self, partition: usize) -> Option<Arc<Run>> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let times = begun.by_partition.get_mut(partition)?;
        *times += 1;
        let run = *times - 1;
        while begun.runs.len() <= run {
            begun.runs.push(Arc::default());
        }
        begun.runs.get(run).cloned()
    }
}

/// What a partition does until the end of the export, or until nobody takes its batches.
fn work(
    source: &Source,
    run: &Run,
    given: &[usize],
    limit: Option<usize>,
    mut send: impl FnMut(RecordBatch) -> bool,
) -> Result<()> {
    let reading = run.reading(source, given)?;
    let mut left = limit.unwrap_or(usize::MAX);
    if left == 0 {
        return Ok(());
    }
    let worked = reading.work(left, |batch| {
        let batch = if batch.num_rows() > left { batch.slice(0, left) } else { batch };
        left -= batch.num_rows();
        send(batch) && left > 0
    });
    source.note_left_out(&reading);
    // What comes behind the rows that are enough was not asked for.
    if limit.is_some() && left == 0 { Ok(()) } else { worked }
}

impl ExecutionPlan for ExportScan {
    fn name(&self) -> &'static str {
        "ExportScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> QueryResult<TreeNodeRecursion>,
    ) -> QueryResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> QueryResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> QueryResult<SendableRecordBatchStream> {
        let run = self
            .run(partition)
            .ok_or_else(|| Told::of(&Error::machine(format!("the plan has no partition {partition}"))))?;
        let mut builder =
            RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), BATCHES_WAITING_MAX);
        let (sender, source, given, limit) =
            (builder.tx(), Arc::clone(&self.source), self.given.clone(), self.limit);
        builder.spawn_blocking(move || {
            let send = |batch| sender.blocking_send(Ok(batch)).is_ok();
            work(&source, &run, &given, limit, send).map_err(|error| Told::of(&error).into())
        });
        Ok(builder.build())
    }
}

impl DisplayAs for ExportScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "ExportScan: {}, columns=[{}]", self.source.uri(), columns.join(", "))?;
        match self.limit {
            Some(limit) => write!(f, ", limit={limit}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ExportScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}
