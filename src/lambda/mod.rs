//! The same program as an AWS Lambda function: one handler that tells the shapes of event apart.
//!
//! ```text
//! API Gateway v1 (REST) ─┐
//! API Gateway v2 (HTTP) ─┼─▶ http ─▶ the router of `serve` ─▶ queue
//! function URL ──────────┘
//! SQS ─────────────────────▶ sqs ──▶ Worker::handle, or fargate
//! ```
//! Whatever has another shape is an error of the function, which Lambda shows to the operator.

mod fargate;
mod http;
mod sqs;

pub use fargate::Fargate;
pub use sqs::{BEGIN_LEFT, CUT_LEFT, Jobs};

use crate::error::{Error, Result};
use crate::webhook::{Receiver, router};
use axum::Router;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Variables without which Lambda's runtime client stops with a panic.
const VARIABLES: &[&str] = &[
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];
/// The variable that says that this process is a Lambda function, and where its events are.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Words of an error that the caller of the function sees; the rest is in its log.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a function answers events with. Each part fails only when an event asks for it: a function that
/// loads has no webhook's secret, and one that receives has no warehouse.
pub struct Function<'a> {
    routes: Result<Router>,
    jobs: Result<Jobs<'a>>,
}

impl<'a> Function<'a> {
    /// A function with these parts, or with the reasons why there are none.
    pub fn new(receiver: Result<Receiver>, jobs: Result<Jobs<'a>>) -> Self {
        Self { routes: receiver.map(|receiver| router(Arc::new(receiver))), jobs }
    }

    /// Asks Lambda for events and answers them, until the process is ended. Wants a runtime of several
    /// threads.
    ///
    /// # Errors
    /// [`Error::Usage`] outside Lambda; [`Error::Transient`] if Lambda's own interface fails.
    pub async fn run(self) -> Result<()> {
        if let Some(missing) = VARIABLES.iter().find(|name| std::env::var_os(name).is_none()) {
            return Err(Error::usage(format!("{missing} is not set: this is no Lambda function")).help(
                "`csl-stream serve` receives webhooks on a machine of your own, `csl-stream work` loads",
            ));
        }
        let handler = |event: LambdaEvent<Value>| self.answer(event);
        let ended = lambda_runtime::run(service_fn(handler)).await;
        ended.map_err(|cause| Error::transient("Lambda's runtime interface failed").because(cause))
    }

    async fn answer(&self, event: LambdaEvent<Value>) -> Result<Value, Failure> {
        let LambdaEvent { payload, context } = event;
        if http::is_http(&payload) {
            let routes = self.routes.as_ref().map_err(told)?;
            return http::answer(routes, payload).await.map_err(|error| told(&error));
        }
        if sqs::is_batch(&payload) {
            let jobs = self.jobs.as_ref().map_err(told)?;
            let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
            let end = Instant::now() + left;
            return tokio::task::block_in_place(|| jobs.answer(payload, end)).map_err(|error| told(&error));
        }
        Err(told(
            &Error::input("an event of a shape that this function does not know")
                .help("feed it from an API Gateway, a function URL or an SQS queue"),
        ))
    }
}

/// The error in the log, and its first words for the caller.
fn told(error: &Error) -> Failure {
    let help = error.detail().map(|detail| detail.help.as_str()).unwrap_or_default();
    tracing::error!(%error, help, "the event was not answered");
    error.to_string().into()
}
