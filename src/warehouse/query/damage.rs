//! Which file, and which column of it, made a query fail.
//!
//! DataFusion tells neither, or panics. So when a query fails by what it reads and not by what it says, the
//! files that it named are read through, up to the first that is damaged.

use crate::error::{Error, Result};
use crate::warehouse::parquet_file::{Panicked, be_quiet, quietly, read_through};
use datafusion::datasource::listing::ListingTableUrl;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Levels of folders below a place that is read.
const DEPTH_MAX: usize = 32;

/// Places that a query reads.
#[derive(Debug, Default)]
pub(super) struct Suspects(Mutex<Vec<ListingTableUrl>>);

impl Suspects {
    pub(super) fn add(&self, url: &ListingTableUrl) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(url.clone());
    }

    /// The first damaged file's error; the query's own, with the places that it read, if all are sound.
    fn or_culprit(&self, error: Error) -> Error {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let culprit = |url: &ListingTableUrl| files_of(url).iter().find_map(|file| read_through(file).err());
        let told = |url: &ListingTableUrl| match (files_of(url).as_slice(), url.get_url().to_file_path()) {
            // A reader may stumble over what another passes over.
            ([only], _) => only.display().to_string(),
            (_, Ok(path)) => path.display().to_string(),
            (_, Err(())) => url.to_string(),
        };
        match places.iter().find_map(culprit) {
            Some(culprit) => culprit,
            None if places.is_empty() => error,
            None => error.in_object(&places.iter().map(told).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// The Parquet files at a place, sorted.
fn files_of(url: &ListingTableUrl) -> Vec<PathBuf> {
    let Ok(root) = url.get_url().to_file_path() else { return Vec::new() };
    let mut found = Vec::new();
    if root.is_file() {
        found.push(root);
    } else {
        collect(&root, DEPTH_MAX, &mut found);
        found.retain(|file| {
            let path = datafusion::object_store::path::Path::from_filesystem_path(file);
            path.is_ok_and(|path| url.contains(&path, true))
        });
    }
    found.sort();
    found
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = item.path();
        if path.is_dir() {
            collect(&path, depth, found);
        } else if path.extension() == Some(OsStr::new("parquet")) {
            found.push(path);
        }
    }
}

/// Runs a query so that no panic leaves it, and names the damaged file if one is the reason of its failure.
pub(super) fn watched<T>(read: &Suspects, query: impl FnOnce() -> Result<T>) -> Result<T> {
    match quietly(query) {
        Ok(Err(error @ Error::Input(_))) => Err(read.or_culprit(error)),
        Ok(done) => done,
        Err(Panicked) => {
            let help = "please report this with the query, and what CSL_LOG=debug shows";
            Err(read.or_culprit(Error::machine("the query broke down").help(help)))
        }
    }
}

/// Panics of a query's threads are told as errors of the query.
pub(super) fn quiet_thread() {
    be_quiet(true);
}
