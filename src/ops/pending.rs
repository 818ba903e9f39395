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
use crate::store::{self, ExportKind};
use crate::warehouse::{Admission, LoadRequest, Warehouse};

/// The exports of one backfill.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// What is loaded, oldest first. At least one: if the table lacks none, the newest, which then says so.
    pub(super) exports: Vec<FoundExport>,
    /// How the exports that were found stand; none if there was one, which need not be asked about.
    pub(super) standing: Option<Standing>,
}

/// Numbers of exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) lacking: u64,
    pub(super) already: u64,
    pub(super) covered: u64,
}

/// Finds what is asked for, and asks the warehouse about each if there are several.
///
/// # Errors
/// If there is none, or one that cannot be looked at; [`Error::Usage`] if several are to be loaded `again`.
pub(super) fn pending(
    config: &Config,
    choice: &ExportChoice,
    table: &str,
    again: bool,
    warehouse: &dyn Warehouse,
) -> Result<Pending> {
    let found = choice.find_all(config, table)?;
    if found.len() < 2 {
        return Ok(Pending { exports: found, standing: None });
    }
    if again {
        return Err(Error::usage(format!("--again is for one export, and {} are there", found.len()))
            .help("name it with --export"));
    }
    let newest = found.last().cloned();
    let (mut exports, mut standing) = (Vec::new(), Standing::default());
    let (cover, mut full) = (target::cover(config), None::<String>);
    let admissions = warehouse.admissions(table, choice.kind())?;
    for export in found {
        let exported_at = export.exported_at.as_deref();
        if cover.covers(full.as_deref(), ExportKind::Incremental, exported_at) {
            standing.covered += 1;
            continue;
        }
        match admissions(&asked(choice.kind(), table, &export)?)? {
            Admission::Proceed => exports.push(export),
            Admission::AlreadyLoaded { .. } => standing.already += 1,
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

fn asked(kind: ExportKind, table: &str, export: &FoundExport) -> Result<LoadRequest> {
    let source = store::open(&export.location)?;
    let load_id = uuid::Uuid::now_v7().to_string();
    let exported_at = export.exported_at.clone();
    Ok(LoadRequest { exported_at, ..LoadRequest::new(&load_id, table, kind, source.info()) })
}
