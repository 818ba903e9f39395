//! One load at a time for each table: an advisory lock that the kernel drops with its process.

use super::contract::Waits;
use crate::error::{Error, Place, Result};
use crate::ledger::{host, timestamp};
use crate::store::private;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// File inside each table's folder. Never removed: who waits for it must not hold another file's lock.
const LOCK_NAME: &str = ".lock";
/// How often a waiting load looks again.
const LOCK_POLL: Duration = Duration::from_millis(50);
/// How the holder's name begins.
const HOLDER: &str = "load ";
/// Most bytes of the holder's name that are repeated.
const HOLDER_BYTES_MAX: u64 = 512;

/// Holds the lock until dropped.
#[derive(Debug)]
pub(super) struct TableLock {
    /// Closing it unlocks it.
    _file: File,
}

impl TableLock {
    /// Waits up to `wait` for the lock of a table, then writes into it who holds it; `waits` hears for whom.
    ///
    /// # Errors
    /// [`Error::Transient`] naming the holder when the wait is over.
    pub(super) fn take(table_dir: &Path, load_id: &str, wait: Duration, waits: &Waits) -> Result<Self> {
        let path = table_dir.join(LOCK_NAME);
        let failed = |cause| Error::io("cannot lock the table", &path, cause);
        let mut file =
            private::open(OpenOptions::new().create(true).read(true).write(true), &path).map_err(failed)?;
        refuse_foreign(&mut file, &path)?;
        let start = Instant::now();
        let mut told = None;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < wait => {
                    // The next in the row may be first.
                    let holder = Some(format!("the table: {}", holder(&mut file)));
                    if told != holder {
                        waits(holder.clone());
                        told = holder;
                    }
                    std::thread::sleep(LOCK_POLL);
                }
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, &path, wait)),
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
        }
        if told.is_some() {
            waits(None);
        }
        let now = timestamp(SystemTime::now());
        let host = host().map_or(String::new(), |host| format!(" on {host}"));
        let holder = format!("{HOLDER}{load_id} in process {}{host} since {now}\n", std::process::id());
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        written.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Somebody else's file of that name must not be written over.
fn refuse_foreign(file: &mut File, path: &Path) -> Result<()> {
    let mut begin = Vec::new();
    let read = file.take(HOLDER.len() as u64).read_to_end(&mut begin);
    read.and_then(|_| file.rewind()).map_err(|cause| Error::io("cannot lock the table", path, cause))?;
    // A load that is writing its name has emptied the file.
    if HOLDER.as_bytes().starts_with(&begin) {
        return Ok(());
    }
    Err(Error::usage("the lock file is not of this program")
        .at(Place::uri(path.display().to_string()))
        .help("keep the warehouse in a folder of its own"))
}

/// Who holds the lock. The name is a courtesy: if it cannot be read, the lock is held all the same.
fn holder(file: &mut File) -> String {
    let mut holder = String::new();
    let _ = file.rewind().and_then(|()| file.take(HOLDER_BYTES_MAX).read_to_string(&mut holder));
    if holder.trim().is_empty() { "another load".to_owned() } else { holder.trim().to_owned() }
}

fn held(file: &mut File, path: &Path, wait: Duration) -> Error {
    let holder = holder(file);
    Error::transient(format!("the table is being loaded by {holder}; waited {} s", wait.as_secs_f32()))
        .at(Place::uri(path.display().to_string()))
        .help("run it again when that load has ended")
}
