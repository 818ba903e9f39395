//! From the configuration to a receiver of webhooks, for `serve` and `lambda` alike.
//!
//! Making one asks nobody; what it does afterwards is async, on the caller's runtime.

use super::observer::Observer;
use super::queues::{policy, queue, worker};
use crate::config::{Config, Signature};
use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::Location;
use crate::webhook::addresses::Addresses;
use crate::webhook::fetch::Refusal;
use crate::webhook::routes::Routes;
use crate::webhook::secrets::{Secrets, Sources};
use crate::webhook::{Check, Receiver, Tables, router};
use crate::work::Worker;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

pub use crate::webhook::{Server, raise_open_files};

/// A receiver of the configuration; nothing outside this machine is asked for anything yet.
///
/// # Errors
/// What the configuration lacks.
pub fn receiver(config: &Config, observer: &dyn Observer) -> Result<Receiver> {
    let source = config.schema.source.as_deref();
    let metrics = Metrics::default();
    metrics.may_refuse(Refusal::ALL.iter().map(|refusal| refusal.word()));
    Ok(Receiver {
        check: check(config, observer)?,
        addresses: Addresses::parse(&config.webhook.allow_from, config.webhook.trusted_hops)?,
        policy: policy(config)?,
        tables: Tables::new(source.map(Location::parse).transpose()?),
        routes: routes(config)?,
        metrics,
        told_unsigned: Mutex::default(),
    })
}

/// Serves the receiver of the configuration until `stop` is done and the requests under way are answered.
/// Async: the server runs on the caller's runtime; `bound` hears the address as soon as it listens.
///
/// # Errors
/// If the address cannot be listened on, or the configuration lacks something.
pub async fn serve(
    config: &Config,
    observer: &dyn Observer,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    // First of all: whoever calls from now on waits a moment instead of being turned away.
    let server = Server::bind(&config.webhook.listen.0, "webhook.listen")?;
    let receiver = Arc::new(receiver(config, observer)?);
    observer.note(&format!("listening on http://{}", server.address()));
    tokio::spawn(prepare(Arc::clone(&receiver)));
    let connections = receiver.metrics.connections.clone();
    server.run(router(receiver), connections, stop).await;
    Ok(())
}

/// Asks for what the first webhook would have to wait for.
async fn prepare(receiver: Arc<Receiver>) {
    receiver.tables.prepare().await;
    if let Check::Signed(secrets) = &receiver.check {
        secrets.keys().await;
    }
}

fn check(config: &Config, observer: &dyn Observer) -> Result<Check> {
    let own = &config.webhook;
    if own.signature == Signature::Unchecked {
        tracing::warn!("signatures of webhooks are not checked");
        observer.note(
            "WARNING: signatures are NOT checked (webhook.signature = \"unchecked\"): whoever reaches this \
             address can send webhooks",
        );
        return Ok(Check::Unchecked);
    }
    Secrets::open(Sources {
        list: own.secrets.clone(),
        file: own.secret_file.as_ref().map(PathBuf::from),
        arn: own.secret_arn.clone(),
    })
    .map(|secrets| Check::Signed(Box::new(secrets)))
}

fn routes(config: &Config) -> Result<Routes> {
    let Worker { selection, others, .. } = worker(config)?;
    Ok(Routes { own: queue(config)?, others, selection })
}
