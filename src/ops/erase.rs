//! Erases people from a table, and from everything that this program has made of it.
//!
//! ```text
//! the warehouse: marks, rows, versions, staged files, run reports ─▶ rejects ─▶ ledger
//! ```

use super::observer::Observer;
use super::rejects::Rejects;
use super::{privacy, schema, target};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::{reasons_of_theirs, theirs};
use crate::privacy::{MARKS_MAX, Policy, Rule};
use crate::report::words::plural;
use crate::report::{Rows, RunReport, Status};
use crate::store::{self, ExportKind, Location, ObjectInfo, RejectsName};
use crate::warehouse::{ERASE_SOURCE, Erasure, Wanted};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

pub use crate::warehouse::{Done, ID, Touched, VALUES_MAX};

/// The column of e-mail addresses, unless another is named.
pub const EMAIL: &str = "email";
/// Bytes of a file of rejects that is read to see whose they are; a longer one goes unread.
const REJECTS_BYTES_MAX: usize = 64 << 20;
/// Names that are looked at in the place of rejects.
const LOOKED_AT_MAX: usize = 1_000_000;

/// Whom to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// Table.
    pub table: String,
    /// Column that tells whose a row is: [`ID`], or one of e-mail addresses.
    pub column: String,
    /// What it holds of them, at most [`VALUES_MAX`].
    pub values: Vec<String>,
    /// Whether the values are e-mail addresses.
    pub are_emails: bool,
    /// Count, and change nothing.
    pub dry_run: bool,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The run, by whose id the marks are known.
    pub erase_id: String,
    /// Table.
    pub table: String,
    /// Column that told whose a row is.
    pub column: String,
    /// How many were to be erased.
    pub values: u64,
    /// Where the table is.
    pub warehouse: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Rows that went out of the table, or would.
    pub rows: u64,
    /// Rows that are left in it.
    pub rows_left: u64,
    /// Every place that was looked at.
    pub touched: Vec<Touched>,
    /// Places that this program cannot reach.
    pub unreached: Vec<String>,
}

impl Outcome {
    /// The error that says what is left.
    ///
    /// # Errors
    /// [`Error::Transient`] if a place that was looked at may still hold something of them.
    pub fn verdict(&self) -> Result<()> {
        let left = self.touched.iter().filter(|touched| touched.done == Done::Left && !touched.passes);
        let left = left.count() as u64;
        if left == 0 {
            return Ok(());
        }
        Err(Error::transient(format!("{} may still hold something of them", plural(left, "place")))
            .help("do what is said of each, then run it again: it goes on where it stopped"))
    }
}

/// Erases people from a table.
///
/// # Errors
/// [`Error::Usage`] for values that are none, or a column that cannot tell whose a row is; those of the warehouse.
/// What was begun is gone on with by running it again.
pub fn erase(config: &Config, request: &Erase, observer: &dyn Observer) -> Result<Outcome> {
    let started = Instant::now();
    let values = checked(request)?;
    let policy = privacy::policy(config)?;
    let hidden = hidden(&policy, request, &values)?;
    let privacy = match policy.rules().are_none() {
        true => None,
        false => schema::read(config)?.table(&request.table)?.policy_id(&policy),
    };
    let erasure = Erasure {
        erase_id: uuid::Uuid::now_v7().to_string(),
        table: request.table.clone(),
        column: request.column.clone(),
        values,
        hidden,
        privacy,
        dry_run: request.dry_run,
    };
    let mut warehouse = target::open(config)?;
    let watch = observer.watch();
    warehouse.stop_when(Arc::new({
        let watch = Arc::clone(&watch);
        move || watch.stopped()
    }));
    warehouse.tell_waits(Arc::new(move |what| watch.wait_for(what)));
    if warehouse.marks(&request.table)?.iter().count() + erasure.values.len() > MARKS_MAX {
        return Err(Error::usage(format!(
            "{MARKS_MAX} people were erased from the table, and no more can be remembered"
        )));
    }
    observer.note(&format!("{}: erasing by {}", request.table, request.column));
    let erased = warehouse.erase(&erasure)?;
    let mut touched = erased.touched;
    let rejects = Rejects::of_loads(config, Path::new(""), None)?;
    touched.extend(from_rejects(&rejects, &erasure)?);
    let outcome = Outcome {
        erase_id: erasure.erase_id.clone(),
        table: request.table.clone(),
        column: request.column.clone(),
        values: erasure.values.len() as u64,
        warehouse: warehouse.shown(),
        dry_run: request.dry_run,
        rows: erased.rows,
        rows_left: erased.rows_left,
        touched,
        unreached: unreached(config, &rejects),
    };
    if !request.dry_run {
        warehouse.remember(&report(&outcome, started.elapsed().as_secs_f64()))?;
    }
    Ok(outcome)
}

/// The values as they are looked for.
fn checked(request: &Erase) -> Result<Vec<String>> {
    // As marks and SQL do: of the blanks around a value the spaces alone say nothing.
    let values = request.values.iter().map(|value| value.trim_matches(' ').to_owned());
    let values: BTreeSet<String> = values.collect();
    let wrong = |what: &str| Err(Error::usage(what).help("see csl-stream erase --help"));
    if values.is_empty() || values.contains("") {
        return wrong("nobody is named who is to be erased, or one of them is empty");
    }
    if values.len() > VALUES_MAX {
        return wrong(&format!("one run erases {VALUES_MAX} people at most, and there are {}", values.len()));
    }
    // Whoever forgets the flag would mark what no row can hold.
    if request.are_emails && values.iter().any(|value| !value.contains('@')) {
        return wrong("one of the e-mail addresses has no @");
    }
    Ok(values.into_iter().collect())
}

/// What the rules of privacy have made of the values.
fn hidden(policy: &Policy, request: &Erase, values: &[String]) -> Result<BTreeSet<String>> {
    let rule = policy.decide(&request.table, &request.column).rule;
    match rule {
        Rule::Keep => Ok(BTreeSet::new()),
        Rule::Hash | Rule::HashExact => {
            let transform = policy.mask(rule);
            let made = |value: &String| {
                let mut made = Vec::new();
                transform.append(value.as_bytes(), &mut made);
                String::from_utf8_lossy(&made).into_owned()
            };
            Ok(values.iter().map(made).collect())
        }
        _ => Err(Error::usage(format!(
            "the rule {rule} of {}.{} leaves nothing that tells whose a row is",
            request.table, request.column
        ))
        .help("erase by another column: --id")),
    }
}

/// Pairs of rejects of the table that hold a record of theirs, or may: they go whole.
fn from_rejects(rejects: &Rejects, erasure: &Erasure) -> Result<Vec<Touched>> {
    let (files, place) = (rejects.files(), rejects.place());
    let wanted = erasure.wanted();
    let (mut touched, mut seen) = (Vec::new(), BTreeSet::new());
    let mut names: Vec<_> = files.list(place, LOOKED_AT_MAX)?.into_iter().map(|file| file.name).collect();
    names.sort();
    for name in names {
        let at = place.child(&name)?;
        let (of, is_records) = match RejectsName::of_reasons(&name) {
            Some(of) => (Some(of), false),
            None => (RejectsName::of_records(&at), true),
        };
        let Some(of) = of.filter(|of| of.table == erasure.table) else { continue };
        if is_records && name != of.records() {
            touched.push(Touched::left(at.to_string(), "rejects", "it is compressed: look at it"));
            continue;
        }
        // It goes with the other of the two.
        if seen.contains(&of.records()) {
            continue;
        }
        let rows = match held_by(&at, is_records, erasure, &wanted) {
            Ok(Some(rows)) => rows,
            Ok(None) => continue,
            Err(error) if matches!(error, Error::Access(_) | Error::Usage(_)) => {
                if files.list(place, LOOKED_AT_MAX)?.iter().any(|file| file.name == name) {
                    let why = format!("{error}: look at it, or let it be read");
                    touched.push(Touched::left(at.to_string(), "rejects", why));
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        if !erasure.dry_run {
            // The file that told whose they are goes last: a removal that is broken off is gone on with.
            let other = if is_records { of.reasons() } else { of.records() };
            files.remove(&place.child(&other)?)?;
            files.remove(&at)?;
        }
        seen.insert(of.records());
        touched.push(Touched::new(at.to_string(), "rejects", rows, Done::Removed));
    }
    if touched.is_empty() {
        touched.push(Touched::new(rejects.shown(), "rejects", Some(0), Done::Nothing));
    }
    Ok(touched)
}

/// Records of theirs in a file of rejects, as far as they can be counted; none if there are none.
fn held_by(
    at: &Location,
    is_records: bool,
    erasure: &Erasure,
    wanted: &Wanted,
) -> Result<Option<Option<u64>>> {
    let bytes = match store::fetch_small(at, REJECTS_BYTES_MAX) {
        Err(Error::Input(_)) => return Ok(Some(None)),
        bytes => bytes?,
    };
    let count = if is_records { theirs } else { reasons_of_theirs };
    let rows = count(&bytes, &erasure.column, &|value| wanted.has(value), &erasure.values);
    Ok((rows > 0).then_some(Some(rows)))
}

/// What this program cannot reach, by where the table is.
fn unreached(config: &Config, rejects: &Rejects) -> Vec<String> {
    let mut places = vec![
        // They had read who was erased before this run told them.
        "loads that are under way: they bring nobody back, and may still leave rejects; run it again after them"
            .to_owned(),
        "ControlShift: what it holds of them, and every export that it makes until it has erased them too"
            .to_owned(),
        format!(
            "exports: {}",
            config.exports.root.as_deref().unwrap_or("wherever they lie; exports.root is not set")
        ),
        "files that single runs were told to write: convert --out, --rejects, --report".to_owned(),
    ];
    if rejects.place() == &Location::Local(PathBuf::new()) {
        let here = "rejects of loads that were started in other folders than this; load.rejects is not set";
        places.push(here.to_owned());
    }
    if config.warehouse.to.is_redshift() {
        places.extend([
            "snapshots of Redshift, automatic and by hand, until they are deleted".to_owned(),
            "earlier versions of objects in S3, where the bucket keeps them, and its replicas".to_owned(),
            "what others have made of the table: views that are materialised, unloads, data shares"
                .to_owned(),
        ]);
    } else {
        places.extend([
            "backups and snapshots of the disk, and blocks of it that are free but not written over"
                .to_owned(),
            "copies of the warehouse's folder".to_owned(),
        ]);
    }
    places
}

fn report(outcome: &Outcome, seconds: f64) -> RunReport {
    let source = ObjectInfo { uri: ERASE_SOURCE.to_owned(), ..ObjectInfo::default() };
    let mut report = RunReport::begin(&outcome.erase_id, &outcome.table, ExportKind::Incremental, &source);
    report.status = Status::Succeeded;
    report.rows = Rows { read: outcome.rows, erased: outcome.rows, ..Rows::default() };
    report.seconds.total = seconds;
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{NewColumns, Preset};

    fn request(column: &str, values: &[&str]) -> Erase {
        Erase {
            table: "t".to_owned(),
            column: column.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
            are_emails: column == EMAIL,
            dry_run: false,
        }
    }

    #[test]
    fn values_that_can_be_no_ones_are_refused() {
        let many: Vec<String> = (0..=VALUES_MAX).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (column, values, sound) in [
            (ID, &["7", " 8 "][..], true),
            (ID, &[], false),
            (ID, &["7", " "], false),
            (ID, &["7\t", "\u{a0}"], true),
            (ID, &many, false),
            (ID, &many[1..], true),
            (EMAIL, &["a@b"], true),
            (EMAIL, &["a"], false),
        ] {
            let found = checked(&request(column, values));
            assert_eq!(found.is_ok(), sound, "{column} {}", values.len());
            for value in found.unwrap_or_default() {
                assert!(values.iter().any(|given| given.trim_matches(' ') == value), "{value:?}");
            }
        }
    }

    #[test]
    fn what_a_rule_has_made_is_looked_for_too() {
        let key = b"0123456789abcdef";
        for (rule, sound, one) in
            [("keep", true, false), ("hash", true, true), ("hash_exact", true, true), ("null", false, false)]
        {
            let policy = Policy::new([("t.email", rule)], Preset::None, NewColumns::Keep, key).unwrap();
            let found = hidden(&policy, &request(EMAIL, &["A@b"]), &["A@b".to_owned()]);
            assert_eq!(found.is_ok(), sound, "{rule}");
            assert_eq!(found.unwrap_or_default().len(), usize::from(one), "{rule}");
        }
    }
}
