//! A process that knows S3 by its stand-in and nothing else of AWS, nor of the caller's settings.

use std::process::{Command, Stdio};

/// The command with that environment, without standard input.
pub(crate) fn beside(s3_endpoint: &str, mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        if text.starts_with("CSL_") || text.starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).envs([
        ("AWS_ENDPOINT_URL_S3", s3_endpoint),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    command
}
