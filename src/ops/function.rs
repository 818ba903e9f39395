//! The parts that this program answers the events of an AWS Lambda function with.

use super::observer::Observer;
use super::queues::{policy, queue, queue_url, sqs, worker};
use super::receive::receiver;
use super::work_load::{Loads, Work};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::lambda::{Fargate, Function, Jobs};
use crate::work::Loader;

/// The variable that says that this process is a Lambda function.
pub const RUNTIME_API: &str = crate::lambda::RUNTIME_API;

/// Asks Lambda for events and answers them, until the process is ended. Async, on a runtime of several
/// threads: a load leaves the async surroundings before it begins.
///
/// # Errors
/// [`Error::Usage`] outside Lambda; [`Error::Transient`] if Lambda's own interface fails.
pub async fn run(config: &Config, observer: &dyn Observer) -> Result<()> {
    // The only folder that a function may write to; what stands in it is gone with the function.
    let request = Work { rejects: std::env::temp_dir(), ..Work::default() };
    let loads = Loads::new(config, &request, observer);
    let receiver = queue_url(config).and_then(|_| receiver(config, observer));
    Function::new(receiver, jobs(config, &loads)).run().await
}

fn jobs<'a>(config: &Config, loader: &'a dyn Loader) -> Result<Jobs<'a>> {
    queue_url(config)?;
    let queue = queue(config)?;
    queue.check_dead_letters()?;
    Ok(Jobs { worker: worker(config)?, loader, queue, fargate: fargate(config)? })
}

/// Where large loads go, if anywhere: `fargate.cluster` says so.
fn fargate(config: &Config) -> Result<Option<Fargate>> {
    let own = &config.fargate;
    let Some(cluster) = &own.cluster else { return Ok(None) };
    let needed = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| {
            Error::usage(format!("fargate.cluster is set, and fargate.{name} is not"))
                .help("set both, or none")
        })
    };
    let queue_url = needed("queue_url", &own.queue_url)?;
    Ok(Some(Fargate {
        cluster: cluster.clone(),
        task_definition: needed("task_definition", &own.task_definition)?,
        container: own.container.clone(),
        subnets: own.subnets.clone(),
        security_groups: own.security_groups.clone(),
        queue: sqs(&queue_url)?,
        policy: policy(config)?,
        queue_url,
        over_bytes: own.over_bytes,
    }))
}
