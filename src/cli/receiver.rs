//! From the configuration to a receiver of webhooks, for `serve` and `lambda` alike.

use super::printer::Printer;
use super::work::{queue, worker};
use crate::config::Config;
use crate::error::Result;
use crate::store::{Location, S3_ENDPOINT};
use crate::webhook::addresses::Addresses;
use crate::webhook::fetch::Policy;
use crate::webhook::routes::Routes;
use crate::webhook::secrets::{Secrets, Sources};
use crate::webhook::{Check, Metrics, Receiver, Tables};
use crate::work::Worker;
use std::path::PathBuf;
use std::sync::Mutex;

/// A receiver of the configuration; nothing outside this machine is asked for anything yet.
pub(super) fn receiver(printer: Printer, config: &Config) -> Result<Receiver> {
    let hops = config.number("webhook.trusted_hops").unwrap_or(0);
    Ok(Receiver {
        check: check(printer, config)?,
        addresses: Addresses::parse(config.list("webhook.allow_from"), hops)?,
        policy: policy(config)?,
        tables: Tables::new(config.text("schema.source").map(Location::parse).transpose()?),
        routes: routes(config)?,
        metrics: Metrics::default(),
        told_unsigned: Mutex::default(),
    })
}

/// What may be fetched; the worker asks too, because others can write to its queue.
pub(super) fn policy(config: &Config) -> Result<Policy> {
    let endpoint = std::env::var(S3_ENDPOINT).ok();
    Policy::new(config.list("exports.buckets"), config.text("exports.slug"), endpoint.as_deref())
}

fn check(printer: Printer, config: &Config) -> Result<Check> {
    if config.text("webhook.signature") == Some("unchecked") {
        let loud = "WARNING: signatures are NOT checked (webhook.signature = \"unchecked\"): whoever reaches this \
                    address can send webhooks";
        tracing::warn!("signatures of webhooks are not checked");
        printer.note(loud);
        return Ok(Check::Unchecked);
    }
    Secrets::open(Sources {
        list: config.list("webhook.secrets").to_vec(),
        file: config.text("webhook.secret_file").map(PathBuf::from),
        arn: config.text("webhook.secret_arn").map(str::to_owned),
    })
    .map(|secrets| Check::Signed(Box::new(secrets)))
}

fn routes(config: &Config) -> Result<Routes> {
    let Worker { selection, others, .. } = worker(config)?;
    Ok(Routes { own: queue(config)?, others, selection })
}
