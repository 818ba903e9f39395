//! What a run is: how it is started, where it goes, what goes wrong. All of it follows from the seed.

use crate::table::{Holds, Table, tables};
use csl_stream::privacy::{NewColumns, Preset, Rule, Rules};
use fastrand::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Backfill,
    /// With a signed URL, in a file.
    Signed,
    Convert,
    /// `check`, `plan`, `backfill`, and `verify` of what came of it.
    Verify,
    /// The worker, from a queue in a file.
    Worker,
    /// The worker, from SQS.
    WorkerSqs,
    /// A function that is fed by SQS.
    Lambda,
    /// A function that is fed webhooks.
    LambdaWebhook,
    /// `serve`, and a worker behind it.
    Serve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    Sound,
    Integer,
    Range,
    Flag,
    Moment,
    Overlong,
    Utf8,
    TooFew,
    TooMany,
    Nul,
    Return,
    QuoteInside,
    Unclosed,
    NoHeader,
    Cut,
}

pub(crate) const DATA: &[Data] = &[
    Data::Integer,
    Data::Range,
    Data::Flag,
    Data::Moment,
    Data::Overlong,
    Data::Utf8,
    Data::TooFew,
    Data::TooMany,
    Data::Nul,
    Data::Return,
    Data::QuoteInside,
    Data::Unclosed,
    Data::NoHeader,
    Data::Cut,
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// The answers of S3: which of [`crate::trouble::S3`], how often.
    S3(usize, usize),
    /// What Redshift says: which of [`crate::trouble::SAID`], how often.
    Redshift(usize, usize),
    /// Which of [`crate::trouble::CALLS`].
    Call(usize),
    /// A signal after so many milliseconds.
    Signal(&'static str, u64),
    /// No file may have more than so many blocks.
    FullDisk(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listeners {
    None,
    Alerts,
    /// SNS and DynamoDB too.
    All,
}

#[derive(Debug, Clone)]
pub(crate) struct Draw {
    pub(crate) seed: u64,
    pub(crate) table: Table,
    pub(crate) entry: Entry,
    pub(crate) is_redshift: bool,
    pub(crate) policy: Policy,
    pub(crate) data: Data,
    pub(crate) rows: usize,
    pub(crate) ending: &'static str,
    pub(crate) trouble: Trouble,
    pub(crate) log: &'static [(&'static str, &'static str)],
    pub(crate) verbose: Option<&'static str>,
    pub(crate) listeners: Listeners,
    pub(crate) max_rejects: usize,
    pub(crate) overlong: &'static str,
    pub(crate) report_values: bool,
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    pub(crate) preset: bool,
    /// `table.column`, rule.
    pub(crate) rules: Vec<(String, String)>,
    pub(crate) drops_new: bool,
}

impl Policy {
    pub(crate) fn rule(&self, table: &str, column: &str) -> Rule {
        let own = self.rules.iter().find(|(name, _)| *name == format!("{table}.{column}"));
        if let Some((_, rule)) = own {
            return rule.parse().unwrap();
        }
        // Which column the preset hides is shown elsewhere.
        let preset = if self.preset { Preset::ControlShift } else { Preset::None };
        let new = if self.drops_new { NewColumns::Drop } else { NewColumns::Keep };
        Rules::new([], preset, new).unwrap().decide(table, column).rule
    }

    fn draw(rng: &mut Rng, table: &Table) -> Self {
        let choice = rng.u8(..10);
        let preset = matches!(choice, 2..=4);
        if choice <= 2 {
            return Self { preset, ..Self::default() };
        }
        let mut rules = Vec::new();
        for column in table.columns.iter().skip(1) {
            let words: &[&str] = match column.holds {
                Holds::Text(_) | Holds::Address => &[
                    "keep",
                    "drop",
                    "null",
                    "hash",
                    "hash_exact",
                    "domain",
                    "prefix:2",
                    "prefix:10",
                    "network",
                ],
                _ => &["keep", "drop", "null", "hash", "hash_exact"],
            };
            if rng.u8(..10) < 6 {
                let rule = words[rng.usize(..words.len())].to_owned();
                rules.push((format!("{}.{}", table.name, column.name), rule));
            }
        }
        let first = format!("{}.{}", table.name, table.columns[0].name);
        rules.push((first, "keep".to_owned()));
        Self { preset, rules, drops_new: rng.u8(..5) == 0 }
    }
}

fn one<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

impl Draw {
    /// Run `number` of those that begin with a seed: tables, entries and data come in turn, so that none is left out.
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let turn = usize::try_from(seed % 1_000_000_007).unwrap();
        let mut tables = tables();
        let table = tables.swap_remove(turn % tables.len());
        let entry = [
            Entry::Backfill,
            Entry::Worker,
            Entry::Lambda,
            Entry::Signed,
            Entry::Verify,
            Entry::WorkerSqs,
            Entry::Backfill,
            Entry::Convert,
            Entry::Serve,
            Entry::Worker,
            Entry::LambdaWebhook,
        ][turn % 11];
        let is_redshift = !matches!(entry, Entry::Convert | Entry::LambdaWebhook) && rng.bool();
        let data = if rng.u8(..10) < 4 { Data::Sound } else { DATA[(turn / 2) % DATA.len()] };
        Self {
            seed,
            policy: Policy::draw(&mut rng, &table),
            table,
            entry,
            is_redshift,
            data,
            // Ten numbers would sum up to what looks like one.
            rows: rng.usize(12..=24),
            ending: one(&mut rng, &["", ".bz2", ".gz"]),
            trouble: trouble(&mut rng, entry, is_redshift),
            log: one(
                &mut rng,
                &[
                    &[][..],
                    &[("CSL_LOG", "trace")],
                    &[("CSL_LOG", "trace"), ("CSL_LOG_FORMAT", "json")],
                    &[("CSL_LOG", "debug"), ("CSL_LOG_FORMAT", "json")],
                    &[("CSL_METRICS_EMF", "true")],
                ],
            ),
            verbose: one(&mut rng, &[None, Some("-v"), Some("-vv"), Some("-vvv")]),
            listeners: one(
                &mut rng,
                &[Listeners::None, Listeners::Alerts, Listeners::Alerts, Listeners::All],
            ),
            max_rejects: one(&mut rng, &[0, 5]),
            overlong: one(&mut rng, &["truncate", "reject"]),
            report_values: rng.u8(..4) == 0,
            json: rng.bool(),
        }
    }

    /// Whether SQS, SNS or DynamoDB is needed.
    pub(crate) fn needs_moto(&self) -> bool {
        self.listeners == Listeners::All
            || matches!(self.entry, Entry::WorkerSqs | Entry::Lambda | Entry::LambdaWebhook)
    }

    pub(crate) fn rule(&self, column: usize) -> Rule {
        self.policy.rule(&self.table.name, &self.table.columns[column].name)
    }

    pub(crate) fn told(&self) -> String {
        format!(
            "CSL_SEED={}: {:?} {} {} of {} rows, {:?}, {:?}, {:?}, {} rules{}{}, {:?}",
            self.seed,
            self.entry,
            if self.is_redshift { "into Redshift," } else { "into a folder," },
            self.table.name,
            self.rows,
            self.data,
            self.trouble,
            self.listeners,
            self.policy.rules.len(),
            if self.policy.preset { " and the preset" } else { "" },
            if self.report_values { ", values in reports" } else { "" },
            self.log,
        )
    }
}

fn trouble(rng: &mut Rng, entry: Entry, is_redshift: bool) -> Trouble {
    let is_function = matches!(entry, Entry::Lambda | Entry::LambdaWebhook);
    let is_worker = matches!(entry, Entry::Worker | Entry::WorkerSqs | Entry::Serve);
    // A function has a minute, and a worker tries for hours.
    let times = one(rng, if is_function || is_worker { &[1, 2, 2] } else { &[1, 2, 99] });
    match rng.u8(..12) {
        0..=2 => Trouble::None,
        // It answers, and is killed then.
        9.. if is_function => Trouble::None,
        3..=4 => Trouble::S3(rng.usize(..crate::trouble::S3), times),
        5..=8 if is_redshift => Trouble::Redshift(rng.usize(..crate::trouble::SAID.len()), times),
        9 if is_redshift => Trouble::Call(rng.usize(..crate::trouble::CALLS)),
        10 => Trouble::FullDisk(one(rng, &[0, 4, 16, 64])),
        _ => Trouble::Signal(one(rng, &["KILL", "TERM", "ABRT", "INT", "SEGV"]), rng.u64(10..400)),
    }
}
