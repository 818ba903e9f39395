//! Rejected records: where they go, how long they stay, and which load mended ones are of.

use super::target;
use crate::config::Config;
use crate::error::{Error, Place, Result};
use crate::ledger::REJECTS_DIR;
use crate::pipeline::{RejectsPlace, are_reasons};
use crate::store::{self, ExportKind, KeptFile, KeptFiles, LocalFiles, Location, RejectsName};
use crate::warehouse::over;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Names in the place that a sweep looks at.
const LOOKED_AT_MAX: usize = 10_000;
/// Pairs that one load sweeps; those that are left the next one finds.
const SWEPT_MAX: usize = 100;

/// The place of one load's rejects, and of those of the loads before.
pub(super) struct Rejects {
    files: Arc<dyn KeptFiles>,
    place: Location,
    /// The file that was named for them.
    asked: Option<PathBuf>,
    days: u32,
}

impl Rejects {
    /// Those of loads: `load.rejects`; else beside what is staged for Redshift, which outlives the process; else
    /// the folder `own`. `asked` is a file that was named for this load alone.
    ///
    /// # Errors
    /// [`Error::Usage`] if the place is neither a folder nor a prefix.
    pub(super) fn of_loads(config: &Config, own: &Path, asked: Option<&Path>) -> Result<Self> {
        let staging = config.staging.url.as_deref().filter(|_| config.warehouse.to.is_redshift());
        let place = match (&config.load.rejects, staging) {
            (Some(named), _) => Location::parse(named)?,
            (None, Some(staging)) => Location::parse(staging)?.child(REJECTS_DIR)?,
            (None, None) => Location::Local(own.to_owned()),
        };
        Self::at(config, place, asked)
    }

    /// Those of a conversion, which needs no AWS unless it is told so: `load.rejects`, else the current folder.
    ///
    /// # Errors
    /// As [`Rejects::of_loads`].
    pub(super) fn of_conversion(config: &Config, asked: Option<&Path>) -> Result<Self> {
        let named = config.load.rejects.as_deref().map(Location::parse).transpose()?;
        Self::at(config, named.unwrap_or_else(|| Location::Local(PathBuf::new())), asked)
    }

    fn at(config: &Config, place: Location, asked: Option<&Path>) -> Result<Self> {
        let files = files(config, &place)?;
        Ok(Self { files, place, asked: asked.map(Path::to_owned), days: config.load.rejects_days })
    }

    /// What can be done with files there.
    pub(super) fn files(&self) -> &dyn KeptFiles {
        &*self.files
    }

    /// The place of them all, for people.
    pub(super) fn shown(&self) -> String {
        let place = self.place.to_string();
        if place.is_empty() { ".".to_owned() } else { place }
    }

    /// The place of them all.
    pub(super) fn place(&self) -> &Location {
        &self.place
    }

    /// Where this run's pair goes: its name is the run's, and so nobody else's.
    ///
    /// # Errors
    /// [`Error::Usage`] if the place has no inside.
    pub(super) fn pair(&self, table: &str, load_id: &str) -> Result<RejectsPlace> {
        if let Some(file) = &self.asked {
            return Ok(RejectsPlace::file(file.clone()));
        }
        let name = RejectsName { table: table.to_owned(), load_id: load_id.to_owned() };
        Ok(RejectsPlace::new(Arc::clone(&self.files), self.place.child(&name.records())?))
    }

    /// How long they stay; 0: for ever.
    pub(super) fn days(&self) -> u32 {
        self.days
    }

    /// Removes the pairs of earlier loads, of whichever table, that nobody has written to for `load.rejects_days`, and
    /// says how many.
    pub(super) fn sweep(&self) -> Result<u64> {
        over(self.days).map_or(Ok(0), |before| self.sweep_older(before))
    }

    /// Ours is a pair that is named as a load names it and whose reasons begin as ours do; records alone say
    /// nothing of who wrote them. The reasons go last: a sweep that is broken off is gone on with.
    fn sweep_older(&self, before: SystemTime) -> Result<u64> {
        let found = self.files.list(&self.place, LOOKED_AT_MAX)?;
        let found: HashMap<_, _> =
            found.into_iter().map(|KeptFile { name, modified }| (name, modified)).collect();
        let mut old: Vec<_> = found
            .iter()
            .filter(|(_, modified)| **modified < before)
            .filter_map(|(name, _)| Some((RejectsName::of_reasons(name)?.records(), name)))
            // Somebody mends these.
            .filter(|(records, _)| found.get(records).is_none_or(|modified| *modified < before))
            .collect();
        old.sort();
        let mut swept = 0;
        for (records, reasons) in old.into_iter().take(SWEPT_MAX) {
            let reasons = self.place.child(reasons)?;
            if !self.files.first_line(&reasons)?.is_some_and(|line| are_reasons(&line)) {
                continue;
            }
            if found.contains_key(&records) {
                self.files.remove(&self.place.child(&records)?)?;
            }
            self.files.remove(&reasons)?;
            swept += 1;
        }
        Ok(swept)
    }
}

fn files(config: &Config, place: &Location) -> Result<Arc<dyn KeptFiles>> {
    match place {
        Location::Local(_) => Ok(Arc::new(LocalFiles { makes_folder: true })),
        Location::S3 { .. } => target::kept_files(config),
        Location::Stdin | Location::Https(_) => Err(Error::usage("rejects cannot be kept there")
            .at(Place::uri(place.to_string()))
            .help("set load.rejects to a folder or s3://bucket/prefix")),
    }
}

/// Where a load's rejects lie, if they are where loads of this configuration put them.
pub(super) fn found(config: &Config, table: &str, load_id: &str) -> Option<String> {
    let rejects = Rejects::of_loads(config, Path::new(""), None).ok()?;
    let name = RejectsName { table: table.to_owned(), load_id: load_id.to_owned() };
    let records = rejects.place.child(&name.records()).ok()?;
    rejects.files.first_line(&records).ok()?.map(|_| records.to_string())
}

/// What the rows of a file of rejects are of.
pub(super) struct Origin {
    /// The time of the export that they were rejected from.
    pub(super) exported_at: Option<String>,
    /// Its kind.
    pub(super) kind: ExportKind,
}

/// The export that a file of rejects is of, if its name tells the load and the ledger still knows that.
///
/// # Errors
/// If the ledger cannot be read.
pub(super) fn origin(config: &Config, location: &Location) -> Result<Option<Origin>> {
    let Some(name) = RejectsName::of_records(location) else { return Ok(None) };
    let run = match target::open(config)?.load(&name.load_id) {
        Ok(shown) => shown.run,
        // There is no such load, or it left no trace.
        Err(Error::Usage(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let exported_at = Location::parse(&run.source).ok().and_then(|export| store::exported_at_of(&export));
    Ok(Some(Origin { exported_at, kind: run.kind }))
}

#[cfg(test)]
#[path = "rejects_tests.rs"]
mod tests;
