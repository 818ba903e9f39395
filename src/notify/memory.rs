//! Where it is written down what was told already: it outlives a worker, and a function that has no disk.
//!
//! ```text
//! folder    <warehouse>/.alerts/<table>.json     written whole or not at all; one process at a time
//! Redshift  <staging.url>/.alerts/<table>.json   two processes at the same moment may both tell
//! ```
//! What cannot be written is remembered by this process alone: then each process tells once.

use super::mark::Marks;
use crate::error::{Error, Result};
use crate::store::s3::Encryption;
use crate::store::{self, Location, objects, write_atomically};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;

/// The shape of a file; a higher number is a later program's.
const FORMAT: u32 = 1;
/// The longest file that is read: a table's causes for three listeners are a few kB.
const BYTES_MAX: usize = 1 << 20;
/// Tables that a process remembers by itself.
const OWN_MAX: usize = 10_000;

/// What each listener knows of one table.
pub(super) type Told = BTreeMap<String, Marks>;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    told: Told,
}

/// What was told.
pub(super) struct Memory {
    place: Option<Location>,
    encryption: Encryption,
    /// Of tables whose file cannot be written.
    own: HashMap<String, Told>,
}

impl Memory {
    /// In this folder or prefix; without one, in this process.
    pub(super) fn new(place: Option<Location>, encryption: Encryption) -> Self {
        Self { place, encryption, own: HashMap::new() }
    }

    /// Keeps other processes from telling of this table until what is returned is dropped; where that cannot be
    /// done, they may.
    pub(super) fn lock(&self, table: &str) -> Option<File> {
        let Some(Location::Local(folder)) = &self.place else { return None };
        let path = folder.join(format!("{table}.lock"));
        let locked = File::options().create(true).append(true).open(path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.ok()
    }

    /// Makes the place, if it can be made.
    pub(super) fn prepare(&self) {
        if let Some(Location::Local(folder)) = &self.place
            && let Err(cause) = std::fs::create_dir_all(folder)
        {
            tracing::debug!(%cause, "the folder of what was told cannot be made");
        }
    }

    /// What was told of a table. What cannot be read is as if nothing was.
    pub(super) fn read(&self, table: &str) -> Told {
        if let Some(told) = self.own.get(table) {
            return told.clone();
        }
        match self.fetch(table) {
            Ok(told) => told,
            // Nothing was told yet; S3 says the same of what it does not show.
            Err(Error::Access(_)) => Told::new(),
            Err(error) => {
                tracing::warn!(%error, table, "what was told already cannot be read");
                Told::new()
            }
        }
    }

    fn fetch(&self, table: &str) -> Result<Told> {
        let Some(place) = self.of(table)? else { return Ok(Told::new()) };
        let document: Document = serde_json::from_slice(&store::fetch_small(&place, BYTES_MAX)?)
            .map_err(|cause| Error::input("no record of what was told").because(cause))?;
        if document.format > FORMAT {
            return Err(Error::input(format!("a record of format {}", document.format)));
        }
        Ok(document.told)
    }

    /// Writes it down.
    pub(super) fn write(&mut self, table: &str, told: Told) {
        match self.put(table, &told) {
            Ok(()) => drop(self.own.remove(table)),
            Err(error) => {
                tracing::warn!(%error, table, "what was told cannot be written down: other processes tell it again");
                if self.own.len() < OWN_MAX || self.own.contains_key(table) {
                    self.own.insert(table.to_owned(), told);
                }
            }
        }
    }

    fn put(&self, table: &str, told: &Told) -> Result<()> {
        let Some(place) = self.of(table)? else {
            return Err(Error::usage("there is no place for it"));
        };
        let document = Document { format: FORMAT, told: told.clone() };
        let bytes = serde_json::to_vec(&document)
            .map_err(|cause| Error::machine("cannot write JSON").because(cause))?;
        match &place {
            Location::Local(path) => write_atomically(path, &bytes),
            _ => objects::put_encrypted(&place, bytes, self.encryption.clone()),
        }
    }

    fn of(&self, table: &str) -> Result<Option<Location>> {
        self.place.as_ref().map(|place| place.child(&format!("{table}.json"))).transpose()
    }
}
