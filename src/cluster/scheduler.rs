//! The scheduler's process: knows executors and jobs, in memory alone.

use super::plan::Codec;
use super::session::MESSAGE_BYTES_MAX;
use super::tls::{Peer, Security};
use crate::error::{Error, Place, Result};
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it looks for executors that are gone.
const LOOK_SECONDS: u64 = 2;
/// How often an executor that is busy says that it lives.
const HEARTBEAT_SECONDS: u64 = 5;

/// A scheduler that is about to begin.
pub struct Scheduler {
    /// Where it listens.
    pub listen: Peer,
    /// Who may speak to it.
    pub security: Security,
    /// After how long a silent executor is given up, and after how long the jobs of a cluster without any; more than
    /// the 5 seconds between the signs of life of a busy one.
    pub executor_timeout: Duration,
    /// After how long a job is given up that no executor has come for.
    pub wait: Duration,
}

type Server = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;

/// Runs until the process is told to end; `ready` hears where it listens.
///
/// # Errors
/// [`Error::Usage`] for a time-out that every executor would miss; [`Error::Machine`] if the address is taken.
pub fn run_scheduler(scheduler: Scheduler, ready: &dyn Fn(&str)) -> Result<()> {
    let seconds = scheduler.executor_timeout.as_secs();
    if seconds <= HEARTBEAT_SECONDS {
        return Err(Error::usage(format!(
            "executors are silent for {HEARTBEAT_SECONDS} seconds while they work"
        ))
        .help("set cluster.executor_timeout_seconds to more than that"));
    }
    runtime()?.block_on(async {
        tokio::select! {
            ended = serve(scheduler, seconds, ready) => ended,
            ended = told_to_end() => ended,
        }
    })
}

async fn serve(scheduler: Scheduler, seconds: u64, ready: &dyn Fn(&str)) -> Result<()> {
    let Scheduler { listen, security, wait, .. } = scheduler;
    let failed = |what: &str, cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::machine(what).at(Place::uri(listen.to_string())).because(cause)
    };
    let config = SchedulerConfig {
        external_host: listen.host.clone(),
        bind_host: listen.host.clone(),
        bind_port: listen.port,
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: seconds,
        expire_dead_executor_interval_seconds: LOOK_SECONDS,
        no_executors_grace_period_seconds: seconds,
        min_ready_executors: 1,
        grpc_server_max_decoding_message_size: MESSAGE_BYTES_MAX,
        grpc_server_max_encoding_message_size: MESSAGE_BYTES_MAX,
        grpc_client_max_message_size: MESSAGE_BYTES_MAX,
        override_physical_codec: Some(Arc::new(Codec::default())),
        override_create_grpc_client_endpoint: Some(security.endpoints()),
        use_tls: security.is_tls(),
        ..SchedulerConfig::default()
    };
    let not_begun = |cause| failed("the scheduler cannot begin", Box::new(cause));
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(not_begun)?;
    let server: Server = create_scheduler(cluster, Arc::new(config)).await.map_err(not_begun)?;
    tokio::spawn(give_up_waiting(server.clone(), wait));
    let listener = tokio::net::TcpListener::bind(listen.to_string()).await;
    let listener = listener.map_err(|cause| failed("cannot listen there", cause.into()))?;
    let address: SocketAddr =
        listener.local_addr().map_err(|cause| failed("cannot listen there", cause.into()))?;
    ready(&address.to_string());
    let Some(tls) = security.server() else {
        return start_grpc_service_with_listener(listener, server).await.map_err(not_begun);
    };
    let service = SchedulerGrpcServer::new(server)
        .max_decoding_message_size(MESSAGE_BYTES_MAX as usize)
        .max_encoding_message_size(MESSAGE_BYTES_MAX as usize);
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let builder = tonic::transport::Server::builder().tls_config(tls);
    let serving = builder.map_err(|cause| failed("cannot speak TLS", cause.into()))?;
    let serving = { serving }.add_service(service).serve_with_incoming(incoming);
    serving.await.map_err(|cause| failed("the scheduler has ended", cause.into()))
}

/// Ballista gives up jobs whose executors were lost; this does it with those that never had one.
async fn give_up_waiting(server: Server, wait: Duration) {
    let mut waiting = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_secs(LOOK_SECONDS)).await;
        let jobs = server.state.task_manager.get_running_job_cache();
        waiting.retain(|job, _| jobs.contains_key(job) && !server.is_ready());
        for job in jobs.keys().filter(|_| !server.is_ready()) {
            let since = waiting.entry(job.clone()).or_insert_with(Instant::now);
            if since.elapsed() > wait {
                tracing::warn!(%job, "given up: there is no executor");
                if let Err(error) = server.cancel_job(job.clone()).await {
                    tracing::warn!(%job, %error, "the job could not be cancelled");
                }
            }
        }
    }
}

/// The threads of a process of the cluster.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::machine("cannot start threads").because(cause))
}

/// Ends with Ctrl-C or SIGTERM.
async fn told_to_end() -> Result<()> {
    let failed = |cause| Error::machine("cannot listen for signals").because(cause);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            heard = tokio::signal::ctrl_c() => heard.map_err(failed),
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}
