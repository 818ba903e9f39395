//! People's values: the policy of the configuration, and what it makes of a schema.

use super::schema::chosen;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::privacy::{Class, Decision, Policy, Why, class_of};
use crate::report::words::plural;
use crate::schema::{BulkSchema, Table};
use crate::store::secret;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

pub use crate::privacy::{PolicyId, Rule, Rules};

/// What the key is called in errors.
const KEY: &str = "the key of hashes";
/// Columns that one sentence names.
const NAMED_MAX: usize = 20;

/// The policy of the configuration, its key with it. Read anew for each load, as the schema is.
///
/// # Errors
/// If a rule is none, or the key is not there where a rule needs one.
pub fn policy(config: &Config) -> Result<Arc<Policy>> {
    let rules = config.privacy.rules()?;
    // Whoever hashes nothing needs no access to the key.
    let key = if rules.needs_key().is_some() { key(config)? } else { Vec::new() };
    Policy::of(rules, &key).map(Arc::new)
}

fn key(config: &Config) -> Result<Vec<u8>> {
    let privacy = &config.privacy;
    let mut key = match (&privacy.secret_file, &privacy.secret_arn) {
        (Some(file), _) => secret::of_file(KEY, Path::new(file))?,
        (None, Some(arn)) => secret_of(arn)?,
        (None, None) => Vec::new(),
    };
    // Editors and `echo` end a file with one.
    if key.pop_if(|last| *last == b'\n').is_some() {
        key.pop_if(|last| *last == b'\r');
    }
    Ok(key)
}

#[cfg(feature = "aws")]
fn secret_of(arn: &str) -> Result<Vec<u8>> {
    secret::kept(KEY, arn)
}

#[cfg(not(feature = "aws"))]
fn secret_of(_: &str) -> Result<Vec<u8>> {
    Err(crate::features::Feature::Aws.missing("privacy.secret_arn"))
}

/// The schema as the warehouse has it. A table of which nothing is left has no columns.
///
/// # Errors
/// [`Error::Usage`] for a rule that has nothing to work on in a column of its type.
pub fn under(bulk: &BulkSchema, rules: &Rules) -> Result<BulkSchema> {
    let tables = bulk.tables.iter().map(|table| table.under(rules)).collect::<Result<Vec<_>>>()?;
    Ok(BulkSchema { tables, ..bulk.clone() })
}

/// What becomes of a column, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownRule {
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// What becomes of it.
    pub rule: Rule,
    /// Who decided it: `rule *.email`, `preset`, `nobody`.
    pub decided_by: String,
    /// What it holds, as the list of ControlShift's columns has it; none of a column that is not in the list.
    pub holds: Option<&'static str>,
}

/// What becomes of every column of a table.
pub fn shown(rules: &Rules, table: &Table) -> Vec<ShownRule> {
    decided(rules, table).map(|(column, decision)| in_words(table, column, decision)).collect()
}

fn decided<'a>(rules: &'a Rules, table: &'a Table) -> impl Iterator<Item = (&'a str, Decision<'a>)> {
    table.columns.keys().map(|column| (column.as_str(), rules.decide(&table.name, column)))
}

fn in_words(table: &Table, column: &str, decision: Decision<'_>) -> ShownRule {
    ShownRule {
        table: table.name.clone(),
        column: column.to_owned(),
        rule: decision.rule,
        decided_by: match decision.why {
            Why::Rule(glob) => format!("rule {glob}"),
            Why::Preset(_) => "preset".to_owned(),
            Why::Nobody => "nobody".to_owned(),
        },
        holds: class_of(&table.name, column).map(Class::word),
    }
}

/// The columns of a table that neither a rule nor the preset decides.
fn undecided(rules: &Rules, table: &Table) -> Vec<ShownRule> {
    let by_nobody = decided(rules, table).filter(|(_, decision)| decision.why == Why::Nobody);
    by_nobody.map(|(column, decision)| in_words(table, column, decision)).collect()
}

/// What becomes of every column of these tables, or of all.
///
/// # Errors
/// If a rule is none, or a table is not in the schema.
pub fn show(config: &Config, bulk: &BulkSchema, names: &[String]) -> Result<Vec<ShownRule>> {
    let rules = config.privacy.rules()?;
    Ok(chosen(bulk, names)?.into_iter().flat_map(|table| shown(&rules, table)).collect())
}

/// The rules beside a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// What the rules are called.
    pub policy: String,
    /// Columns of the schema.
    pub columns: u64,
    /// Those that neither a rule nor the preset decides.
    pub undecided: Vec<ShownRule>,
    /// Credentials among those that are kept.
    pub credentials: Vec<String>,
    /// Globs that match no column.
    pub without_columns: Vec<String>,
}

impl Examined {
    /// The error that names what nobody decided.
    ///
    /// # Errors
    /// [`Error::Schema`] if there is anything.
    pub fn verdict(&self) -> Result<()> {
        if self.undecided.is_empty() {
            return Ok(());
        }
        let names = self.undecided.iter().map(|column| format!("{}.{}", column.table, column.column));
        let count = plural(self.undecided.len() as u64, "column");
        Err(Error::schema(format!("nobody has decided about {count}: {}", listed(names))).help(
            "name them in [privacy.columns], with keep where they may stay; privacy.preset = \"controlshift\" decides \
             about those of the published schema",
        ))
    }
}

/// Compares the rules with a schema.
///
/// # Errors
/// If a rule is none, or has nothing to work on in a column of its type.
pub fn examine(config: &Config, bulk: &BulkSchema) -> Result<Examined> {
    let rules = config.privacy.rules()?;
    under(bulk, &rules)?;
    let names = bulk
        .tables
        .iter()
        .flat_map(|table| table.columns.keys().map(|column| (table.name.as_str(), column.as_str())));
    let names: Vec<(&str, &str)> = names.collect();
    Ok(Examined {
        policy: rules.name(),
        columns: names.len() as u64,
        credentials: bulk.tables.iter().flat_map(|table| credentials(&rules, table)).collect(),
        without_columns: rules.without_columns(&names).into_iter().map(str::to_owned).collect(),
        undecided: bulk.tables.iter().flat_map(|table| undecided(&rules, table)).collect(),
    })
}

/// Credentials that a load would put into the warehouse though nobody has said so.
pub(super) fn credentials(rules: &Rules, table: &Table) -> Vec<String> {
    let is_kept = |(column, decision): &(&str, Decision<'_>)| {
        decision.rule == Rule::Keep
            && decision.why == Why::Nobody
            && class_of(&table.name, column) == Some(Class::Credential)
    };
    decided(rules, table).filter(is_kept).map(|(column, _)| format!("{}.{column}", table.name)).collect()
}

/// What is to be said of credentials, if there are any.
pub(super) fn warning(credentials: &[String]) -> Option<String> {
    let first = credentials.first()?;
    let what = match credentials.len() {
        1 => format!("{first} is a credential: whoever reads it in the warehouse may act as somebody else"),
        _ => format!(
            "{} are credentials: whoever reads them in the warehouse may act as somebody else",
            listed(credentials.iter().cloned())
        ),
    };
    Some(format!(
        "{what}; privacy.preset = \"controlshift\" leaves them out, and a rule with keep says that it is meant"
    ))
}

/// What `check` says of the policy: its key can be read, its rules fit the tables, and what they leave.
pub(super) fn checked<'a>(config: &Config, tables: impl Iterator<Item = &'a Table>) -> Result<String> {
    let policy = policy(config)?;
    let rules = policy.rules();
    let (mut hidden, mut kept) = (0_u64, Vec::new());
    for table in tables {
        table.under(rules)?;
        hidden += shown(rules, table).iter().filter(|column| column.rule.hides()).count() as u64;
        kept.extend(credentials(rules, table));
    }
    let found = match rules.are_none() {
        true => "no rules: every column is loaded as it is".to_owned(),
        false => format!("{}: {} not loaded as they are", rules.name(), plural(hidden, "column")),
    };
    Ok([Some(found), warning(&kept)].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Names in a row, and how many more there are.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let text = names.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}
