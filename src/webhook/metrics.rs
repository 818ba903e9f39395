//! What `GET /metrics` counts, in Prometheus's words.

use super::fetch::Refusal;
use crate::error::{Error, Result};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper bounds of the answer times, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The counters of one receiver.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Outcome, Counter>,
    refused: Family<Reason, Counter>,
    seconds: Histogram,
    /// Connections that are open.
    pub connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("csl_stream");
        let webhooks = Family::<Outcome, Counter>::default();
        let refused = Family::<Reason, Counter>::default();
        let seconds = Histogram::new(BUCKETS);
        let connections = Gauge::default();
        registry.register("webhooks", "Webhooks by what became of them", webhooks.clone());
        registry.register("webhooks_refused", "Exports that can never be loaded, by reason", refused.clone());
        registry.register_with_unit("webhook", "Time to the answer", Unit::Seconds, seconds.clone());
        registry.register("connections", "Open connections", connections.clone());
        // A counter that appears only when it counts cannot be watched.
        for refusal in Refusal::ALL {
            drop(refused.get_or_create(&Reason { reason: refusal.word() }));
        }
        Self { registry, webhooks, refused, seconds, connections }
    }
}

impl Metrics {
    /// Counts a webhook that was answered after `took`.
    pub fn answered(&self, outcome: &'static str, took: Duration) {
        self.webhooks.get_or_create(&Outcome { outcome }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts an export that can never be loaded.
    pub fn refused(&self, refusal: Refusal) {
        self.refused.get_or_create(&Reason { reason: refusal.word() }).inc();
    }

    /// All of it as Prometheus reads it.
    ///
    /// # Errors
    /// Never in practice: text is written into memory.
    pub fn text(&self) -> Result<String> {
        let mut shown = String::new();
        text::encode(&mut shown, &self.registry)
            .map_err(|cause| Error::machine("the metrics cannot be written").because(cause))?;
        Ok(shown)
    }
}
