//! An executor's process: asks the scheduler for units and runs them, one a core.

use super::plan::Codec;
use super::scheduler::runtime;
use super::session::{MESSAGE_BYTES_MAX, session};
use super::tls::{Peer, Security};
use crate::error::{Error, Place, Result};
use crate::store::private;
use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_executor::ArrowFlightServerProvider;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::flight_service::BallistaFlightService;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The folder in `--work-dir` that is ours: answers until the driver has them, a few KiB a unit.
const FOLDER: &str = "csl-stream-executor";
/// How long an executor waits for a scheduler that is not there yet.
const SCHEDULER_WAIT_MAX: Duration = Duration::from_secs(600);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Seconds that answers of a job stay.
const ANSWERS_SECONDS: u64 = 3_600;
/// How often old ones are looked for, in seconds.
const CLEAN_SECONDS: u64 = 300;

/// An executor that is about to begin.
pub struct Executor {
    /// Who gives it work.
    pub scheduler: Peer,
    /// Where the others reach it.
    pub own: Peer,
    /// Who may speak to it.
    pub security: Security,
    /// Units at once.
    pub cores: usize,
    /// A folder on a disk of its own machine; none: a temporary one.
    pub work_dir: Option<PathBuf>,
}

/// Runs until the process is told to end.
///
/// # Errors
/// [`Error::Transient`] if there is no scheduler; [`Error::Machine`] if the address is taken.
pub fn run_executor(executor: Executor) -> Result<()> {
    let Executor { scheduler, own, security, cores, work_dir } = executor;
    let failed = |path: &std::path::Path, cause| Error::io("cannot make the folder", path, cause);
    let temporary = tempfile::tempdir().map_err(|cause| failed(&std::env::temp_dir(), cause))?;
    let folder = work_dir.as_deref().unwrap_or(temporary.path()).join(FOLDER);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|cause| failed(&folder, cause))?;
    }
    private::make_dirs(&folder).map_err(|cause| failed(&folder, cause))?;
    let folder = folder.to_str().ok_or_else(|| {
        Error::usage("the path of --work-dir is no text").at(Place::uri(folder.display().to_string()))
    })?;
    // Others come by the name that they are told; whoever has one of this machine alone is reached by nobody else.
    let bind_host = match own.host.as_str() {
        "localhost" | "127.0.0.1" => "127.0.0.1",
        "[::1]" => "[::1]",
        _ => "0.0.0.0",
    };
    wait_for(&scheduler)?;
    let sessions = security.clone();
    let config = ExecutorProcessConfig {
        bind_host: bind_host.to_owned(),
        external_host: Some(own.host.clone()),
        port: own.port,
        scheduler_host: scheduler.host.clone(),
        scheduler_port: scheduler.port,
        vcores: cores,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.to_owned()),
        job_data_ttl_seconds: ANSWERS_SECONDS,
        job_data_clean_up_interval_seconds: CLEAN_SECONDS,
        grpc_max_decoding_message_size: MESSAGE_BYTES_MAX,
        grpc_max_encoding_message_size: MESSAGE_BYTES_MAX,
        // Units count their own memory: nothing of it is in a pool.
        memory_pool_size: Some(0),
        override_config_producer: Some(Arc::new(move || session(&sessions))),
        override_physical_codec: Some(Arc::new(Codec::default())),
        override_create_grpc_client_endpoint: Some(security.endpoints()),
        override_arrow_flight_service: security.is_tls().then(|| flight(&security)),
        ..ExecutorProcessConfig::default()
    };
    let ended = runtime()?.block_on(start_executor_process(Arc::new(config)));
    ended.map_err(|cause| {
        Error::machine("the executor has ended").at(Place::uri(own.to_string())).because(cause)
    })
}

/// Ballista's own wait has no end, or none at all.
fn wait_for(scheduler: &Peer) -> Result<()> {
    let began = Instant::now();
    while let Err(cause) = std::net::TcpStream::connect(scheduler.to_string()) {
        if began.elapsed() > SCHEDULER_WAIT_MAX {
            return Err(Error::transient("there is no scheduler")
                .at(Place::uri(scheduler.to_string()))
                .help("start one there: csl-stream cluster scheduler")
                .because(cause));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The service by which others fetch answers, behind TLS.
fn flight(security: &Security) -> Arc<ArrowFlightServerProvider> {
    let security = security.clone();
    Arc::new(move |folder, address, mut shutdown, _| {
        let tls = security.server();
        tokio::spawn(async move {
            let service = FlightServiceServer::new(BallistaFlightService::new(folder))
                .max_decoding_message_size(MESSAGE_BYTES_MAX as usize)
                .max_encoding_message_size(MESSAGE_BYTES_MAX as usize);
            let mut server = tonic::transport::Server::builder();
            if let Some(tls) = tls {
                server = server.tls_config(tls).map_err(BallistaError::TonicError)?;
            }
            let serving = server.add_service(service).serve_with_shutdown(address, shutdown.recv());
            serving.await.map_err(BallistaError::TonicError)
        })
    })
}
