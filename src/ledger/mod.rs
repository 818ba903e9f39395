//! The loads that happened, as a local warehouse remembers them.
//!
//! Two kinds of files, because two questions are asked. *What is in this table?* must be answered by
//! the very rename that switches the table, so it lies inside the version folder. *What became of that
//! run?* must be answered for runs that failed too, so it lies beside the versions.
//!
//! ```text
//! <dir>/<table>/current ──▶ <version>/_load.json    an Entry: the table's content, load by load
//! <dir>/<table>/.loads/<load id>.json               a RunReport: every run, failed and skipped ones too
//! <dir>/<table>/.loads/<load id>.begun              a run that goes on, or was killed
//! ```

mod begun;
mod briefs;
mod cover;
mod entry;
mod layout;
mod runs;
mod time;

pub use crate::store::write_atomically;
pub use begun::{Going, begin, host, is_going};
pub use briefs::{Brief, Briefs, Held, held, shown};
pub use cover::{Cover, RECENT_HOURS, RECENT_HOURS_MAX};
pub use entry::{ENTRY_FORMAT, Entry, PARTS_MAX, Part, PartFile, RolledBack, Slice, Source};
pub use layout::{
    ALERTS_DIR, CURRENT, ENTRY_NAME, LOAD_ID_BYTES, NEXT_POINTER, PROGRESS_DIR, REJECTS_DIR, REPORTS_DIR,
    RUNS_DIR, check_name, current_version, entry_path, is_entry, is_load_id, is_version, table_dir, tables,
    versions,
};
pub use runs::{
    Cleaned, RUNS_KEPT_MAX, Run, Shown, Standing, forget_older, forget_values, list, of_table, record, show,
};
pub use time::timestamp;
