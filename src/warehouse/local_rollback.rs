//! Makes a table in a folder what it was: a new version, of the files of one that was kept.
//!
//! ```text
//! kept version ─ without who was erased ─▶ .staging-<id>/ (hard links) ─ seal ─ place ─ switch ─▶ current
//! ```
//!
//! Only under the table's lock, and by the steps of a load: whoever kills it leaves the table as it was, or what it
//! goes back to. The version that was current is the one before, so a second rollback undoes the first.

use super::matching::rows_that_match;
use super::rollback::{GoneLoad, ROLLBACK_SOURCE, Rollback, WentBack};
use super::{local_erase, merge, sweep, version, whole};
use crate::error::{Error, Place, Result};
use crate::ledger::{self, Entry, Part, RolledBack, Source};
use crate::privacy::PolicyId;
use crate::report::Rows;
use crate::store::{ExportKind, private};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

/// File by file, row by row, whether a row must stay out.
type Theirs = BTreeMap<String, Vec<bool>>;

/// Goes back. The caller holds the table's lock.
///
/// # Errors
/// [`Error::Usage`] if there is no version to go back to, or it must not be; [`Error::Input`] if it is damaged.
pub(super) fn rollback(table_dir: &Path, request: &Rollback, keep_versions: usize) -> Result<WentBack> {
    let started = SystemTime::now();
    let place = || Place::uri(table_dir.display().to_string());
    let current = Entry::current(table_dir)?
        .ok_or_else(|| Error::usage("the table has not been loaded yet").at(place()))?;
    let target = kept(table_dir, &current, request.load_id.as_deref()).map_err(|error| error.at(place()))?;
    allowed(&current, &target).map_err(|error| error.at(place()))?;
    let dir = table_dir.join(&target.load_id);
    whole::check(&dir, &target)?;
    let theirs = who_stays_out(table_dir, &dir, &target)?;
    let erased = theirs.values().flatten().filter(|&&is_theirs| is_theirs).count() as u64;
    let loads = gone(&current, &target);
    let went_back = WentBack {
        from: current.load_id.clone(),
        to: target.load_id.clone(),
        exported_at: target.full().and_then(|full| full.exported_at.clone()),
        rows_before: current.rows_in_table(),
        rows: target.rows_in_table() - erased,
        erased,
        loads: loads.iter().map(shown).collect(),
    };
    if request.dry_run {
        return Ok(went_back);
    }
    sweep::sweep_dead(table_dir)?;
    let staging = table_dir.join(format!("{}{}", sweep::STAGING, request.rollback_id));
    private::make_dir(&staging)
        .map_err(|cause| Error::io("cannot make the staging folder", &staging, cause))?;
    let sealed = merge::without((&dir, &target), &staging, &request.rollback_id, &theirs).and_then(|parts| {
        let entry = entry(request, &current, &target, loads, parts, started);
        version::seal(&staging, &entry).map(|()| entry)
    });
    let sealed =
        sealed.and_then(|entry| version::place_version(table_dir, &staging, &entry.load_id).map(|()| entry));
    let entry = sealed.inspect_err(|_| {
        if let Err(error) = sweep::remove_written(&staging) {
            tracing::warn!(%error, "the staging folder stays until the next load");
        }
    })?;
    // Until the switch is durable, a power cut can bring the old version back: it must be there.
    if version::switch(table_dir, &entry.load_id)?
        && let Err(error) = sweep::sweep(table_dir, &entry, keep_versions)
    {
        tracing::warn!(%error, table = request.table, "old versions were not swept");
    }
    Ok(went_back)
}

/// The version to go back to: one of those that were current before, in this table's own line.
fn kept(table_dir: &Path, current: &Entry, load_id: Option<&str>) -> Result<Entry> {
    let mut before = current.lineage_in(table_dir, usize::MAX);
    before.retain(|version| *version != current.load_id && ledger::is_version(table_dir, version));
    let found = match load_id {
        Some(id) => before.iter().find(|version| *version == id),
        None => before.first(),
    };
    if let Some(version) = found {
        return Entry::read(&table_dir.join(version));
    }
    let help = match before.len() {
        0 => "a full export that is loaded with --again takes the table back too; warehouse.keep_versions says how many versions are kept".to_owned(),
        _ => format!("versions that are kept: {}", before.join(", ")),
    };
    let what = match load_id {
        Some(id) if id == current.load_id => format!("load {id} made the version that is current"),
        Some(id) => format!("no version of load {id} is kept"),
        None => "no earlier version of the table is kept".to_owned(),
    };
    Err(Error::usage(what).help(help))
}

/// Refuses a version that another policy of privacy has made: it may show what the rules hide by now.
fn allowed(current: &Entry, target: &Entry) -> Result<()> {
    let digest = |part: &Part| PolicyId::digest_of(part.privacy.as_ref()).to_owned();
    let known: BTreeSet<String> = current.parts.iter().map(digest).collect();
    if target.parts.iter().all(|part| known.contains(&digest(part))) {
        return Ok(());
    }
    Err(Error::usage("the kept version was made under another policy of privacy than the table")
        .help("load the export anew, under the rules of today: csl-stream backfill --export URI --again"))
}

/// The rows of people who were erased since: they stay out.
fn who_stays_out(table_dir: &Path, dir: &Path, target: &Entry) -> Result<Theirs> {
    let marks = local_erase::marks(table_dir)?;
    let mut theirs = Theirs::new();
    for column in marks.columns() {
        let marked = marks.of_column(column);
        for file in target.files().iter().filter(|file| file.rows > 0) {
            let path = dir.join(&file.name);
            let found = rows_that_match(&path, column, &|value| marked.has(value))?.ok_or_else(|| {
                Error::usage(format!(
                    "the kept version has no column {column:?}, by which people were erased"
                ))
                .at(Place::uri(path.display().to_string()))
                .help("load a full export instead: what was erased stays out of it")
            })?;
            if found.contains(&true) {
                let rows = theirs.entry(file.name.clone()).or_insert_with(|| vec![false; found.len()]);
                rows.iter_mut().zip(&found).for_each(|(row, is_theirs)| *row |= is_theirs);
            }
        }
    }
    Ok(theirs)
}

/// The loads that go out of the table, and those that had gone before and stay out.
fn gone(current: &Entry, target: &Entry) -> Vec<Part> {
    let mut known: BTreeSet<&str> = target.parts.iter().map(|part| part.load_id.as_str()).collect();
    let before = [&current.rolled_back, &target.rolled_back];
    let before = before.into_iter().flatten().flat_map(|gone| &gone.loads);
    let all = current.parts.iter().chain(before);
    all.filter(|part| known.insert(&part.load_id)).map(Part::without_files).collect()
}

fn shown(part: &Part) -> GoneLoad {
    GoneLoad { load_id: part.load_id.clone(), kind: part.kind, source: part.source.uri.clone() }
}

fn entry(
    request: &Rollback,
    current: &Entry,
    target: &Entry,
    loads: Vec<Part>,
    parts: Vec<Part>,
    started: SystemTime,
) -> Entry {
    let now = ledger::timestamp(SystemTime::now());
    let rolled_back = RolledBack {
        rollback_id: request.rollback_id.clone(),
        at: now.clone(),
        from: current.load_id.clone(),
        to: target.load_id.clone(),
        loads,
    };
    Entry {
        format: Entry::format_of(&parts, Some(&rolled_back)),
        load_id: request.rollback_id.clone(),
        table: target.table.clone(),
        kind: ExportKind::Incremental,
        source: Source { uri: format!("{ROLLBACK_SOURCE} to {}", target.load_id), etag: None },
        exported_at: None,
        rows: Rows::default(),
        started: ledger::timestamp(started),
        finished: now,
        program: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
        previous: Some(current.load_id.clone()),
        rolled_back: Some(rolled_back),
        parts,
    }
}
