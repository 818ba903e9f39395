//! The physical plan of a job, and how it travels.
//!
//! ```text
//! CoalescePartitionsExec     the last stage, of milliseconds: of an earlier one Ballista handles the loss of results
//!   ConvertExec              a unit in, its answer out
//!     DataSourceExec         one partition for each unit: leaves of other kinds are run whole by every task
//! ```

use super::work::Work;
use crate::error::Result;
use crate::pipeline::Unit;
use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream,
};
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use futures::TryStreamExt;
use std::fmt;
use std::sync::Arc;

/// What our node begins with among those of Ballista.
const MARK: &[u8] = b"CSL1";

/// The only column of both sides.
fn schema(name: &str) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, false)]))
}

/// The plan of a job.
pub(super) fn plan(work: &Work, units: &[Unit]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = schema("unit");
    let partitions = units.iter().map(|unit| {
        let unit = serde_json::to_string(unit).map_err(super::work::not_json)?;
        Ok(vec![batch(&schema, vec![unit]).map_err(unplanned)?])
    });
    let partitions = partitions.collect::<Result<Vec<_>>>()?;
    let rows = MemorySourceConfig::try_new_exec(&partitions, schema, None).map_err(unplanned)?;
    let convert = ConvertExec::new(work.to_json()?.into(), rows);
    Ok(Arc::new(CoalescePartitionsExec::new(Arc::new(convert))))
}

pub(super) fn unplanned(cause: DataFusionError) -> crate::Error {
    crate::Error::machine("cannot make the plan of a job").because(cause)
}

fn batch(schema: &SchemaRef, rows: Vec<String>) -> DataFusionResult<RecordBatch> {
    let rows: ArrayRef = Arc::new(StringArray::from(rows));
    Ok(RecordBatch::try_new(schema.clone(), vec![rows])?)
}

/// The texts of a batch.
pub(super) fn rows(batch: &RecordBatch) -> DataFusionResult<Vec<String>> {
    let column = batch.columns().first().and_then(|column| column.as_any().downcast_ref::<StringArray>());
    let column = column.ok_or_else(|| DataFusionError::Internal("no column of texts".to_owned()))?;
    Ok(column.iter().flatten().map(str::to_owned).collect())
}

/// Runs each unit that it is given.
#[derive(Debug)]
struct ConvertExec {
    work: Arc<str>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ConvertExec {
    fn new(work: Arc<str>, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema("answer")),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { work, input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for ConvertExec {
    /// The scheduler writes it into its log.
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConvertExec")
    }
}

impl ExecutionPlan for ConvertExec {
    fn name(&self) -> &str {
        "ConvertExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) if children.is_empty() => Ok(Arc::new(Self::new(self.work.clone(), input))),
            _ => Err(DataFusionError::Internal("ConvertExec has one child".to_owned())),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        let (work, schema) = (self.work.clone(), self.schema());
        let answers = schema.clone();
        let stream = self.input.execute(partition, context)?.and_then(move |units| {
            let (work, schema) = (work.clone(), answers.clone());
            async move {
                // Units read and write by calls that block.
                let run = move || {
                    let run = |unit: String| Work::run(&work, &unit).map_err(again);
                    rows(&units)?.into_iter().map(run).collect::<DataFusionResult<Vec<_>>>()
                };
                let answered = tokio::task::spawn_blocking(run).await;
                batch(&schema, answered.map_err(|cause| DataFusionError::External(cause.into()))??)
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

/// The only error of which Ballista runs a task again.
fn again(error: crate::Error) -> DataFusionError {
    DataFusionError::IoError(std::io::Error::other(error.to_string()))
}

/// Our node as JSON behind [`MARK`]; all others are Ballista's.
#[derive(Debug, Default)]
pub(super) struct Codec(BallistaPhysicalExtensionCodec);

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let Some(work) = buf.strip_prefix(MARK) else {
            return self.0.try_decode(buf, inputs, context, converter);
        };
        let work =
            String::from_utf8(work.to_vec()).map_err(|cause| DataFusionError::External(cause.into()))?;
        match inputs {
            [input] => Ok(Arc::new(ConvertExec::new(work.into(), input.clone()))),
            _ => Err(DataFusionError::Internal("ConvertExec has one child".to_owned())),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> DataFusionResult<()> {
        match node.downcast_ref::<ConvertExec>() {
            Some(convert) => {
                buf.extend_from_slice(MARK);
                buf.extend_from_slice(convert.work.as_bytes());
                Ok(())
            }
            None => self.0.try_encode(node, buf, converter),
        }
    }
}
