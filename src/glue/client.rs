//! Glue's client, and what it says when a call fails.

use crate::error::Result;
use crate::store::aws_config;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_glue::Client;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use std::time::Duration;

/// All tries of one call together.
const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// One try.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn client() -> Result<Client> {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(CALL_DEADLINE)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let shared = aws_config()?;
    Ok(Client::from_conf(aws_sdk_glue::config::Builder::from(&shared).timeout_config(timeouts).build()))
}

/// What Glue says of a call, or the network.
pub(super) fn told<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => error.to_string(),
    }
}
