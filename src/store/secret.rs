//! Secrets that lie elsewhere than in the configuration: in a file, or in AWS Secrets Manager.

use super::private;
use crate::error::{Error, Place, Result};
use std::path::Path;

/// Longest secret that is read; Secrets Manager's own limit
/// ([quotas](https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html)).
pub const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Reads a file that holds a secret; `what` names it in errors.
///
/// # Errors
/// [`Error::Usage`] if every user of the machine may read it, or it is too long; what the file system refuses.
pub fn of_file(what: &str, path: &Path) -> Result<Vec<u8>> {
    private::refuse_open_secret(what, path)?;
    let failed = |cause| Error::io(format!("cannot read {what}"), path, cause);
    if std::fs::metadata(path).map_err(failed)?.len() > SECRET_BYTES_MAX {
        let told = format!("{what} is longer than {SECRET_BYTES_MAX} bytes");
        return Err(Error::usage(told).at(Place::uri(path.display().to_string())));
    }
    std::fs::read(path).map_err(failed)
}

/// Asks Secrets Manager for a secret: its text, or its bytes. `what` names it in errors.
///
/// # Errors
/// [`Error::Access`] with what the service says, [`Error::Transient`] if it does not answer.
#[cfg(feature = "aws")]
pub async fn of_arn(what: &str, arn: &str) -> Result<Vec<u8>> {
    match tokio::time::timeout(ASK_TIMEOUT, ask(what, arn)).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(Error::transient(format!("Secrets Manager does not answer for {what}")).at(Place::uri(arn)))
        }
    }
}

/// Longest wait for Secrets Manager.
#[cfg(feature = "aws")]
const ASK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(feature = "aws")]
async fn ask(what: &str, arn: &str) -> Result<Vec<u8>> {
    let config = tokio::task::spawn_blocking(super::aws_config).await;
    let config =
        config.map_err(|cause| Error::machine("the configuration's thread broke").because(cause))??;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id(arn).send().await.map_err(|cause| {
        Error::access(format!("cannot read {what} from Secrets Manager"))
            .at(Place::uri(arn))
            .help("allow secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own")
            .because(Box::new(cause.into_service_error()) as Box<dyn std::error::Error + Send + Sync>)
    })?;
    let bytes = answer.secret_binary.map(|bytes| bytes.into_inner());
    Ok(answer.secret_string.map(String::into_bytes).or(bytes).unwrap_or_default())
}

/// Secrets Manager is asked again after this time.
#[cfg(feature = "aws")]
pub const FRESH: std::time::Duration = std::time::Duration::from_secs(300);

/// The same for whoever may wait, from what was answered before if that is no older than [`FRESH`]. What is known stays
/// in force while the service fails: a passing fault must not stop a worker.
///
/// # Errors
/// As [`of_arn`], if nothing is known.
#[cfg(feature = "aws")]
pub fn kept(what: &str, arn: &str) -> Result<Vec<u8>> {
    use std::sync::{Mutex, PoisonError};
    use std::time::Instant;
    static KNOWN: Mutex<Option<(String, Vec<u8>, Instant)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let of_this = known.as_ref().filter(|(name, ..)| name == arn);
    if let Some((_, bytes, _)) = of_this.filter(|(.., asked)| asked.elapsed() < FRESH) {
        return Ok(bytes.clone());
    }
    match (super::runtime()?.block_on(of_arn(what, arn)), of_this) {
        (Ok(bytes), _) => {
            *known = Some((arn.to_owned(), bytes.clone(), Instant::now()));
            Ok(bytes)
        }
        (Err(error), Some((_, bytes, _))) => {
            tracing::warn!(%error, "{what} could not be read again; the old one stays in force");
            Ok(bytes.clone())
        }
        (Err(error), None) => Err(error),
    }
}
