//! Which of the exports that are there the table lacks.
//!
//! ```text
//! found, oldest first ─┬─ a full export covers it ─▶ counted
//!                      ├─ loaded before ───────────▶ counted
//!                      └─ lacking ─────────────────▶ loaded in this order, each by itself
//! ```

use super::export::{ExportChoice, FoundExport};
use super::target;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::privacy::PolicyId;
use crate::store::{self, ExportKind, ObjectInfo};
use crate::warehouse::{Admission, LoadRequest, Warehouse};

/// The exports of one backfill.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// What is loaded, oldest first. At least one: if the table lacks none, the newest, which then says so.
    pub(super) exports: Vec<FoundExport>,
    /// How the exports that were found stand; none if there was one, which need not be asked about.
    pub(super) standing: Option<Standing>,
}

/// What all loads of one backfill share.
pub(super) struct Load<'a> {
    pub(super) table: &'a str,
    /// The policy of privacy, as far as it changes the table.
    pub(super) privacy: Option<PolicyId>,
    /// Load what is in the table all the same.
    pub(super) again: bool,
}

/// Numbers of exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) lacking: u64,
    pub(super) already: u64,
    pub(super) covered: u64,
    pub(super) rolled_back: u64,
}

/// Finds what is asked for, and asks the warehouse about each if there are several.
///
/// # Errors
/// If there is none, or one that cannot be looked at; [`Error::Usage`] if several are to be loaded `again`.
pub(super) fn pending(
    config: &Config,
    choice: &ExportChoice,
    load: &Load<'_>,
    warehouse: &dyn Warehouse,
) -> Result<Pending> {
    let found = choice.find_all(config, load.table)?;
    if found.len() < 2 {
        return Ok(Pending { exports: found, standing: None });
    }
    if load.again {
        return Err(Error::usage(format!("--again is for one export, and {} are there", found.len()))
            .help("name it with --export"));
    }
    let newest = found.last().cloned();
    let (mut exports, mut standing) = (Vec::new(), Standing::default());
    let (cover, mut full) = (target::cover(config), None::<String>);
    let admissions = warehouse.admissions(load.table, choice.kind())?;
    let (load_id, nothing) = (uuid::Uuid::now_v7().to_string(), ObjectInfo::default());
    let mut asked = LoadRequest {
        privacy: load.privacy.clone(),
        ..LoadRequest::new(&load_id, load.table, choice.kind(), &nothing)
    };
    for export in found {
        let exported_at = export.exported_at.as_deref();
        if cover.covers(full.as_deref(), ExportKind::Incremental, exported_at) {
            standing.covered += 1;
            continue;
        }
        (asked.exported_at, asked.source) = (export.exported_at.clone(), source(&export)?);
        match admissions(&asked)? {
            Admission::Proceed => exports.push(export),
            Admission::AlreadyLoaded { .. } => standing.already += 1,
            Admission::RolledBack { .. } => standing.rolled_back += 1,
            Admission::Older { than } => {
                standing.covered += 1;
                full = Some(than);
            }
        }
    }
    standing.lacking = exports.len() as u64;
    if exports.is_empty() {
        exports.extend(newest);
    }
    Ok(Pending { exports, standing: Some(standing) })
}

/// What the ledger compares, if a listing says it; else from the export itself, which takes a question each.
fn source(export: &FoundExport) -> Result<ObjectInfo> {
    match &export.etag {
        Some(etag) => {
            let (uri, bytes) = (store::name_of(&export.location), export.bytes);
            Ok(ObjectInfo { uri, etag: Some(etag.clone()), bytes })
        }
        None => Ok(store::open(&export.location)?.info().clone()),
    }
}
