//! What a session of the cluster is set to. All of it travels in clear with every task.

use super::tls::Security;
use ballista_core::extension::SessionConfigExt;
use datafusion::prelude::SessionConfig;

/// Bytes of a message between the machines, and so of a plan: some 100,000 units.
pub(super) const MESSAGE_BYTES_MAX: u32 = 64 << 20;
/// Without it a task is as many units as its executor has cores free, which are done again together.
pub(super) const ONE_UNIT_A_TASK: (&str, &str) = ("ballista.scheduler.max_partitions_per_task", "1");

/// The session of a job, as the driver asks for it and an executor begins with.
pub(super) fn session(security: &Security) -> SessionConfig {
    let (key, value) = ONE_UNIT_A_TASK;
    SessionConfig::new_with_ballista()
        .with_ballista_use_tls(security.is_tls())
        .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES_MAX as usize)
        .with_ballista_override_create_grpc_client_endpoint(security.endpoints())
        .set_str(key, value)
}
