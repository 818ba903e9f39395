//! The counters of one process.

use super::emf::exported;
use super::text::{Exposition, classic, without_braces};
use crate::error::{Error, Result};
use crate::queue::QueueState;
use crate::report::{RunReport, Status};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Upper bounds of the answer times, in seconds.
const ANSWER_BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0, 10.0];
/// Upper bounds of the times of a load's stages, in seconds: an incremental takes one, a large table minutes.
const LOAD_BUCKETS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 4.0 * 3600.0];
/// Tables that have series of their own; names come from messages too, so the rest shares one.
pub const TABLES_MAX: usize = 1_000;
/// The name that the rest shares.
const OTHERS: &str = "other";

/// Of a series that may be missing.
type NoLabels = Vec<(&'static str, &'static str)>;
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Load {
    table: String,
    kind: &'static str,
    end: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Table {
    table: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// The counters of a receiver, a worker, or both.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Outcome, Counter>,
    refused: Family<Reason, Counter>,
    answers: Histogram,
    /// Connections that are open.
    pub connections: Gauge,
    loads: Family<Load, Counter>,
    rows: Family<Table, Counter>,
    rejects: Family<Table, Counter>,
    stages: Family<Stage, Histogram, fn() -> Histogram>,
    ages: Family<Table, Seconds>,
    messages: Family<State, Gauge>,
    dead: Family<NoLabels, Gauge>,
    oldest: Family<NoLabels, Seconds>,
    /// When the newest export was made that is in a table.
    newest: Mutex<BTreeMap<String, SystemTime>>,
    tables: Mutex<BTreeSet<String>>,
}

fn load_histogram() -> Histogram {
    Histogram::new(LOAD_BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let own = Self {
            registry: Registry::with_prefix("csl_stream"),
            webhooks: Family::default(),
            refused: Family::default(),
            answers: Histogram::new(ANSWER_BUCKETS),
            connections: Gauge::default(),
            loads: Family::default(),
            rows: Family::default(),
            rejects: Family::default(),
            stages: Family::new_with_constructor(load_histogram),
            ages: Family::default(),
            messages: Family::default(),
            dead: Family::default(),
            oldest: Family::default(),
            newest: Mutex::default(),
            tables: Mutex::default(),
        };
        own.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("webhooks", "Webhooks by what became of them", self.webhooks.clone());
        registry.register(
            "webhooks_refused",
            "Exports that can never be loaded, by reason",
            self.refused.clone(),
        );
        registry.register_with_unit("webhook", "Time to the answer", Unit::Seconds, self.answers.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("loads", "Loads by table, kind and end", self.loads.clone());
        registry.register("rows_loaded", "Rows that came into a table", self.rows.clone());
        registry.register(
            "rows_rejected",
            "Records left out, or for which a load stopped",
            self.rejects.clone(),
        );
        registry.register_with_unit("load", "Time of a load's stages", Unit::Seconds, self.stages.clone());
        registry.register_with_unit(
            "table_data_age",
            "Time since the newest export in a table was made",
            Unit::Seconds,
            self.ages.clone(),
        );
        registry.register("queue_messages", "Messages that wait or are taken", self.messages.clone());
        registry.register("dead_letters", "Messages that could not be loaded", self.dead.clone());
        registry.register_with_unit(
            "queue_oldest_message_age",
            "Time since the oldest message was sent",
            Unit::Seconds,
            self.oldest.clone(),
        );
        self
    }

    /// Shows reasons before they are counted: a counter that appears only when it counts cannot be watched.
    pub fn may_refuse(&self, reasons: impl IntoIterator<Item = &'static str>) {
        for reason in reasons {
            drop(self.refused.get_or_create(&Reason { reason }));
        }
    }

    /// Counts a webhook that was answered after `took`.
    pub fn answered(&self, outcome: &'static str, took: Duration) {
        self.webhooks.get_or_create(&Outcome { outcome }).inc();
        self.answers.observe(took.as_secs_f64());
    }

    /// Counts an export that can never be loaded.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a load that has ended; `again` says whether its message comes again.
    pub fn loaded(&self, report: &RunReport, again: bool) {
        let table = self.known(&report.table);
        let end = match report.status {
            Status::Succeeded => "succeeded",
            Status::Failed if again => "retried",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
        };
        let kind = report.kind.word();
        self.loads.get_or_create(&Load { table: table.clone(), kind, end }).inc();
        if report.status == Status::Skipped {
            return;
        }
        self.rows.get_or_create(&Table { table: table.clone() }).inc_by(report.rows.loaded);
        self.rejects.get_or_create(&Table { table }).inc_by(report.rows.rejected);
        for (stage, seconds) in [("convert", report.seconds.convert), ("load", report.seconds.load)] {
            // A load that failed before a stage has none.
            if seconds > 0.0 {
                self.stages.get_or_create(&Stage { stage }).observe(seconds);
            }
        }
        if report.status == Status::Succeeded
            && let Some(exported) = exported(report)
        {
            self.holds(&report.table, exported);
        }
    }

    /// Notes that a table holds an export of this time.
    pub fn holds(&self, table: &str, exported: SystemTime) {
        let table = self.known(table);
        let mut newest = self.newest();
        let known = newest.entry(table).or_insert(exported);
        *known = exported.max(*known);
    }

    /// Notes what the queue holds; `None`: nobody can say.
    pub fn queue(&self, state: Option<QueueState>) {
        let shown = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.messages.clear();
        self.dead.clear();
        self.oldest.clear();
        let Some(QueueState { waiting, taken, dead, oldest }) = state else { return };
        for (state, count) in [("waiting", waiting), ("taken", taken)] {
            self.messages.get_or_create(&State { state }).set(shown(count));
        }
        if let Some(dead) = dead {
            self.dead.get_or_create(&NoLabels::new()).set(shown(dead));
        }
        if let Some(oldest) = oldest {
            self.oldest.get_or_create(&NoLabels::new()).set(oldest.as_secs_f64());
        }
    }

    /// All of it as Prometheus reads it.
    ///
    /// # Errors
    /// Never in practice: text is written into memory.
    pub fn text(&self, exposition: Exposition) -> Result<String> {
        let now = SystemTime::now();
        for (table, exported) in self.newest().iter() {
            let age = now.duration_since(*exported).unwrap_or_default();
            self.ages.get_or_create(&Table { table: table.clone() }).set(age.as_secs_f64());
        }
        let mut shown = String::new();
        text::encode(&mut shown, &self.registry)
            .map_err(|cause| Error::machine("the metrics cannot be written").because(cause))?;
        let shown = without_braces(&shown);
        Ok(match exposition {
            Exposition::OpenMetrics => shown,
            Exposition::Classic => classic(&shown),
        })
    }

    /// The name under which a table is counted.
    fn known(&self, table: &str) -> String {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.contains(table) {
            return table.to_owned();
        }
        if tables.len() >= TABLES_MAX {
            return OTHERS.to_owned();
        }
        tables.insert(table.to_owned());
        table.to_owned()
    }

    fn newest(&self) -> MutexGuard<'_, BTreeMap<String, SystemTime>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
