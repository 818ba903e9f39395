//! Loads that are too large for a function: put on the task's queue, then a task is started for them.
//!
//! ```text
//! order ─▶ fargate.queue_url ─▶ ecs:RunTask `csl-stream work --once` ─▶ takes it from there
//! ```
//! In this order: a task that dies, or never starts, leaves the message where the next one finds it.

use crate::error::{Error, Place, Result};
use crate::queue::{LoadOrder, Queue};
use crate::store::{self, aws_config};
use crate::webhook::fetch::Policy;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, ContainerOverride, Failure, KeyValuePair, LaunchType, NetworkConfiguration,
    TaskOverride,
};

/// What the task runs.
const COMMAND: [&str; 2] = ["work", "--once"];

/// Tries that the task waits for: with their delays as long as an export can be read. Nobody starts another
/// task for a message that this one leaves.
const TRIES: &str = "30";

/// Where tasks run.
#[derive(Debug)]
pub struct Fargate {
    /// ECS cluster.
    pub cluster: String,
    /// Task that runs this program.
    pub task_definition: String,
    /// Its container.
    pub container: String,
    /// Subnets of the task.
    pub subnets: Vec<String>,
    /// Security groups of the task.
    pub security_groups: Vec<String>,
    /// Queue that the task takes its messages from.
    pub queue: Queue,
    /// The same, for the task.
    pub queue_url: String,
    /// What may be looked at.
    pub policy: Policy,
    /// Exports of more stored bytes go there; 0: every one.
    pub over_bytes: u64,
}

impl Fargate {
    /// Whether the export is too large for a function. What may not or cannot be opened is not: the load
    /// says why.
    ///
    /// Blocks.
    pub(super) fn takes(&self, order: &LoadOrder) -> bool {
        if self.over_bytes == 0 {
            return true;
        }
        if self.policy.allows(order).is_err() {
            return false;
        }
        let url = store::foreign(&order.download_url).ok();
        let bytes = url.and_then(|url| store::open(&url).ok()?.info().bytes);
        tracing::debug!(export = order.name(), bytes, limit = self.over_bytes, "looked at the export");
        bytes.is_some_and(|bytes| bytes > self.over_bytes)
    }

    /// Puts the order on the task's queue and starts a task.
    ///
    /// # Errors
    /// [`Error::Transient`] if a task is not started now; the order is on the queue then, and another try
    /// puts it there again, which loads it once.
    pub(super) async fn hand_over(&self, order: &LoadOrder) -> Result<()> {
        self.queue.send(order).await?;
        let config = tokio::task::spawn_blocking(aws_config).await;
        let config =
            config.map_err(|cause| Error::machine("the configuration's thread broke").because(cause))??;
        let answer = self.run_task(&Client::new(&config)).await?;
        match answer.first() {
            None => {
                tracing::info!(export = order.name(), cluster = self.cluster, "handed to Fargate");
                Ok(())
            }
            Some(failure) => Err(self.failed(&format!(
                "{} {}",
                failure.reason().unwrap_or("no reason given"),
                failure.detail().unwrap_or_default()
            ))),
        }
    }

    async fn run_task(&self, client: &Client) -> Result<Vec<Failure>> {
        let set = |name: &str, value: &str| KeyValuePair::builder().name(name).value(value).build();
        let container = ContainerOverride::builder()
            .name(&self.container)
            .set_command(Some(COMMAND.map(str::to_owned).to_vec()))
            .environment(set("CSL_QUEUE_URL", &self.queue_url))
            .environment(set("CSL_QUEUE_TRIES", TRIES))
            .build();
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.clone()))
            .set_security_groups(Some(self.security_groups.clone()))
            .build()
            .map_err(|cause| Error::usage("fargate.subnets names none").because(cause))?;
        let answer = client
            .run_task()
            .cluster(&self.cluster)
            .task_definition(&self.task_definition)
            .launch_type(LaunchType::Fargate)
            .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build())
            .overrides(TaskOverride::builder().container_overrides(container).build())
            .started_by("csl-stream")
            .send()
            .await;
        let answer =
            answer.map_err(|cause| self.failed(&format!("{:?}", cause.into_service_error().meta())))?;
        Ok(answer.failures().to_vec())
    }

    fn failed(&self, why: &str) -> Error {
        Error::transient(format!("no Fargate task was started: {}", why.trim()))
            .at(Place::uri(&self.cluster))
            .help("the function's role needs ecs:RunTask on the task, and iam:PassRole on its two roles")
    }
}
