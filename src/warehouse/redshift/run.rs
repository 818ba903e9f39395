//! Puts a staged load into its table: one transaction, run until it is known how it ended.
//!
//! ```text
//! look: ledger, lock ─┬─ loaded already, by an attempt whose answer was lost ──▶ the ledger's row
//!        ▲            ├─ older, or the table would shrink ──▶ the error
//!        │            └─ submit ─┬─ FINISHED ──▶ the ledger's row
//!        │                       ├─ ERROR 1023, session lost, another load was first ──┐
//!        │                       ├─ a table went or came anew: the target is read anew ─┤
//!        └───────────────────────┼──────────────────── again, under another token ◀────┘
//!                                ├─ guard "count", COPY ──▶ the error, with what Redshift says of it
//!                                └─ nobody knows ──▶ the ledger
//! ```
//!
//! Nothing is said of the end before the ledger was asked: a transaction may have committed although its
//! statement is told to be aborted or failed.

use super::admission::{Asked, Known, Rule};
use super::answer::{StatementFault, cut};
use super::data_api::{DataApi, Fault, jittered, place};
use super::decision::known;
use super::hush::cut_values;
use super::ledger::{self, LedgerRow};
use super::load_id::token;
use super::marks;
use super::messages::{Class, has_spoken, is_known};
use super::sql::{FIRST_WORDS, LoadSql, Role, SAME_WORDS, Seen, Step, count_words};
use super::staging::{MANIFEST_NAME, StagedLoad};
use super::target;
use crate::error::{Error, Result};
use crate::ledger::Cover;
use crate::report::Commit;
use crate::store::{ExportKind, Location};
use crate::warehouse::{Admission, ShrinkGuard};

/// Times that one transaction is run.
const LOAD_ATTEMPTS_MAX: u32 = 6;
/// Times that one is run whose table is not there, though it was when it was looked for.
const MISSING_ATTEMPTS_MAX: u32 = 2;
/// Faults of a COPY that an error repeats.
const COPY_FAULTS_MAX: usize = 3;

/// Runs the load of what is staged at `staged_at`.
///
/// # Errors
/// [`Error::Counts`] if another number of rows was copied than accepted, [`Error::Rejects`] if the table
/// would shrink, [`Error::Transient`] if it may do better later, and whatever Redshift has against it. The
/// table is as it was then.
pub(super) fn run(
    api: &DataApi,
    load: &StagedLoad,
    staged_at: &Location,
    iam_role: &str,
    allowed: Allowed,
) -> Result<Loaded> {
    let manifest_uri = staged_at.child(MANIFEST_NAME)?.to_string();
    Attempts { api, load, iam_role, allowed, manifest_uri }.run()
}

/// A load that is in its table.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) row: LedgerRow,
    /// What is to be told besides.
    pub(super) warnings: Vec<String>,
    /// When it was committed, if that could be seen.
    pub(super) commit: Option<Commit>,
}

struct Attempts<'a> {
    api: &'a DataApi,
    load: &'a StagedLoad,
    iam_role: &'a str,
    allowed: Allowed,
    manifest_uri: String,
}

/// What one run of a load may do on purpose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    pub(super) shrink: ShrinkGuard,
    /// Load it though it or a newer full export is in the table.
    pub(super) again: bool,
    /// How far back a full export may lack rows.
    pub(super) cover: Cover,
}

impl Attempts<'_> {
    fn run(&self) -> Result<Loaded> {
        let entry = &self.load.entry;
        let name = format!("csl-stream {} {}", entry.table, entry.load_id);
        let process = uuid::Uuid::now_v7().to_string();
        for attempt in 1.. {
            let known = match self.look()? {
                Looked::Loaded(row) => return Ok(Loaded { row: *row, warnings: Vec::new(), commit: None }),
                Looked::Free(known) => known,
            };
            let warnings = known.warning(&entry.table).into_iter().collect();
            let loaded = |row, commit| Loaded { row, warnings, commit };
            let token = token(&entry.load_id, &process, attempt);
            let steps = self.steps(&known.seen(), &token);
            let sqls: Vec<String> = steps.iter().map(|step| step.sql.clone()).collect();
            let fault = match self.api.transaction(&name, &sqls, &token) {
                Ok(done) => {
                    let copy = steps.iter().position(|step| step.role == Role::Copy);
                    let commit = copy.and_then(|copy| done.after(copy));
                    return self.finished().map(|row| loaded(row, commit));
                }
                Err(Fault::Statement(fault)) => fault,
                Err(Fault::Unknown(error)) => return self.known_end(error).map(|row| loaded(row, None)),
                Err(Fault::Error(error)) => return Err(error),
            };
            if !self.again(&steps, &fault, attempt)? {
                return self.told(&steps, fault).map(|row| loaded(row, None));
            }
            tracing::warn!(attempt, message = fault.message, "the load is run again");
            std::thread::sleep(jittered(attempt));
        }
        Err(self.vanished())
    }

    /// What the ledger says before an attempt. Whatever changes it from now on changes the lock too.
    fn look(&self) -> Result<Looked> {
        let entry = &self.load.entry;
        let asked = Asked::from(entry).again(self.allowed.again);
        let known = known(self.api, &self.load.target.schema, &asked, true)
            .map_err(|fault| fault.into_error("reading the ledger", self.api.connection()))?;
        match known.admission(&asked, Rule::of(self.allowed.cover, &self.load.target)) {
            Admission::Proceed => {}
            Admission::AlreadyLoaded { .. } => {
                return match self.loaded()? {
                    Some(row) => Ok(Looked::Loaded(Box::new(row))),
                    None => Err(self.overtaken("another load of this export was there first")),
                };
            }
            Admission::Older { .. } | Admission::RolledBack { .. } => {
                return Err(self.overtaken("a newer full export was loaded meanwhile"));
            }
        }
        self.guard_erased()?;
        self.guard_rows()?;
        Ok(Looked::Free(known))
    }

    /// Stops a load whose files were written before people were erased. Asked after the lock was read, which an erasure
    /// changes: what the catalogue said before that may be of before the first one.
    fn guard_erased(&self) -> Result<()> {
        marks::guard(self.api, &self.load.target.schema, &self.load.entry.table, &self.load.erased)
    }

    /// Stops a full load that would empty the table, or leave few of its rows, whoever brought them.
    fn guard_rows(&self) -> Result<()> {
        let entry = &self.load.entry;
        if entry.kind != ExportKind::Full || self.allowed.shrink.max_percent.is_none() {
            return Ok(());
        }
        self.allowed.shrink.check(&entry.table, self.rows_replaced()?, entry.rows_accepted)
    }

    /// Rows that a full load takes away.
    fn rows_replaced(&self) -> Result<u64> {
        let rows = self.api.query(&self.sql(&Seen::default(), "").replaced());
        let rows =
            rows.map_err(|fault| fault.into_error("counting the table's rows", self.api.connection()))?;
        let cell = rows.first().and_then(|row| row.first()).cloned().flatten();
        cell.and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::machine("Redshift gave no number of rows").at(place(self.api.connection())))
    }

    fn sql<'s>(&'s self, seen: &'s Seen, claim: &'s str) -> LoadSql<'s> {
        LoadSql {
            target: &self.load.target,
            columns: &self.load.columns,
            iam_role: self.iam_role,
            manifest_uri: &self.manifest_uri,
            entry: &self.load.entry,
            seen,
            claim,
            cover: self.allowed.cover,
        }
    }

    fn steps(&self, seen: &Seen, claim: &str) -> Vec<Step> {
        let mut steps = self.sql(seen, claim).steps();
        if self.load.files.is_empty() {
            // A manifest must name a file; the count then says that no row was accepted.
            steps.retain(|step| step.role != Role::Copy);
        }
        steps
    }

    /// Whether the transaction is run once more; the target is looked at again if that is why.
    fn again(&self, steps: &[Step], fault: &StatementFault, attempt: u32) -> Result<bool> {
        Ok(match verdict(steps, fault) {
            Some(Role::First) => attempt < LOAD_ATTEMPTS_MAX,
            Some(Role::Same) => attempt < LOAD_ATTEMPTS_MAX && self.is_as_it_was()?,
            Some(_) => false,
            None => match fault.class() {
                Class::Passing => attempt < LOAD_ATTEMPTS_MAX,
                Class::Moved => {
                    let most = if fault.is_missing() { MISSING_ATTEMPTS_MAX } else { LOAD_ATTEMPTS_MAX };
                    attempt < most && self.is_as_it_was()?
                }
                _ => false,
            },
        })
    }

    /// Whether the target, read anew, is the one that the files were written for.
    fn is_as_it_was(&self) -> Result<bool> {
        let (schema, table) = (&self.load.target.schema, &self.load.target.name);
        match target::read(self.api, schema, table)? {
            Some(now) if now != self.load.target => {
                Err(Error::schema("the table has changed since the files were written")
                    .at(place(self.api.connection()))
                    .help("run backfill again: it writes them in the table's new types"))
            }
            now => Ok(now.is_some()),
        }
    }

    /// The row of a load that has committed.
    fn finished(&self) -> Result<LedgerRow> {
        let read = self.loaded().map_err(|error| {
            let id = &self.load.entry.load_id;
            error.help(format!(
                "the load is in the table; its numbers could not be read: csl-stream loads show {id}"
            ))
        });
        read?.ok_or_else(|| self.vanished())
    }

    /// The end of a load whose statement nobody could follow to its end.
    fn known_end(&self, error: Error) -> Result<LedgerRow> {
        match self.loaded() {
            Ok(Some(row)) => Ok(row),
            // It was cancelled, and has ended; the ledger says that it had not committed.
            Ok(None) if matches!(error, Error::Interrupted) => Err(error),
            Ok(None) => Err(self.unknown(error, "the ledger does not have it yet")),
            Err(_) => Err(self.unknown(error, "the ledger could not be asked")),
        }
    }

    /// The end of a load that is not tried again.
    fn told(&self, steps: &[Step], fault: StatementFault) -> Result<LedgerRow> {
        let asked = self.loaded();
        if let Ok(Some(row)) = asked {
            return Ok(row);
        }
        // A transaction that failed at a statement is rolled back; any other may have committed.
        let doubtful = fault.at.is_none();
        let error = self.judge(steps, fault);
        match asked {
            Err(_) if doubtful => Err(self.unknown(error, "the ledger could not be asked")),
            _ => Err(error),
        }
    }

    fn judge(&self, steps: &[Step], fault: StatementFault) -> Error {
        let at = place(self.api.connection());
        match verdict(steps, &fault) {
            Some(Role::First) => self.overtaken("other loads of the table were first, each time"),
            Some(Role::Same) => self.overtaken("the table was made anew, filled or emptied, each time"),
            Some(_) => {
                let accepted = self.load.entry.rows_accepted;
                Error::counts(format!("{accepted} rows were accepted, but another number was copied"))
                    .at(at)
                    .help("the table is as it was; please report this with the run report")
                    .because(cut(&fault.message))
            }
            None if role_of(steps, &fault) == Some(Role::Copy) => self.copy_failed(fault),
            None => fault.into_error("the load", &self.api.connection().to_string()),
        }
    }

    fn overtaken(&self, what: &str) -> Error {
        Error::transient(what)
            .at(place(self.api.connection()))
            .help("run it again: it will see whether there is anything left to do")
    }

    /// An error of a load that may have been loaded all the same.
    fn unknown(&self, error: Error, why: &str) -> Error {
        let help = error.detail().map(|detail| detail.help.clone()).unwrap_or_default();
        let help = format!(
            "how the load ended is not known, {why}: run it again, what is loaded is not loaded twice{}{help}",
            if help.is_empty() { "" } else { "; " }
        );
        match error {
            Error::Interrupted => Error::transient("interrupted while a load was under way")
                .at(place(self.api.connection()))
                .help(help),
            error => error.in_object(&self.api.connection().to_string()).help(help),
        }
    }

    /// The client's message of a COPY is cut off; the catalogue has all of it.
    fn copy_failed(&self, fault: StatementFault) -> Error {
        let mut told = fault.message.clone();
        if let Some(query_id) = fault.query_id {
            let sql = format!(
                "SELECT file_name, column_name, error_message FROM sys_load_error_detail \
                 WHERE query_id = {query_id} LIMIT {COPY_FAULTS_MAX}"
            );
            for row in self.api.query(&sql).unwrap_or_default() {
                let cells: Vec<_> = row.iter().flatten().map(|cell| cut_values(cell.trim())).collect();
                told += &format!("; {}", cells.join(", "));
            }
        }
        let is_unknown = !is_known(&fault.message);
        let error = fault.into_error("the copy", &self.api.connection().to_string()).because(cut(&told));
        match error {
            // What stands in no table of messages.
            Error::Machine(_) if is_unknown => error.help(
                "the table is as it was; check that the COPY role may read the staging bucket, that the bucket is in \
                 Redshift's region, and that the table is as it was when the load began",
            ),
            other => other,
        }
    }

    /// What the ledger says of this load: by now or by an attempt whose answer was lost.
    fn loaded(&self) -> Result<Option<LedgerRow>> {
        // Also when the program is to stop: it must not say that nothing was loaded if something was.
        one(&self.api.heedless(), &self.load.target.schema, &self.load.entry.load_id)
    }

    fn vanished(&self) -> Error {
        Error::transient("the load has ended, but the ledger does not have it")
            .at(place(self.api.connection()))
            .help("run it again: what is loaded is not loaded twice")
    }
}

/// What was found before an attempt.
enum Looked {
    /// The load is in the table.
    Loaded(Box<LedgerRow>),
    /// The way is free, as long as the lock says what it says.
    Free(Known),
}

fn role_of(steps: &[Step], fault: &StatementFault) -> Option<Role> {
    steps.get(fault.at?).map(|step| step.role)
}

/// The guard that has spoken, if one has: any other fault at its statement is a fault like any other.
fn verdict(steps: &[Step], fault: &StatementFault) -> Option<Role> {
    let role = role_of(steps, fault)?;
    let spoken = match role {
        Role::First => has_spoken(&fault.message, FIRST_WORDS),
        Role::Same => has_spoken(&fault.message, SAME_WORDS),
        // The number of rows is in the guard's words; which it was does not matter.
        Role::Count => {
            let (_, behind) = fault.message.split_once("csl-stream: ")?;
            let rows: u64 = behind.split(' ').next()?.parse().ok()?;
            has_spoken(&fault.message, &count_words(rows))
        }
        _ => false,
    };
    spoken.then_some(role)
}

/// One load of the ledger.
pub(super) fn one(api: &DataApi, schema: &str, load_id: &str) -> Result<Option<LedgerRow>> {
    Ok(rows(api, &ledger::select(schema, None, Some(load_id), Some(1)))?.pop())
}

/// Loads of the ledger; none if there is no ledger yet.
pub(super) fn rows(api: &DataApi, sql: &str) -> Result<Vec<LedgerRow>> {
    match api.query(sql) {
        Ok(rows) => rows.iter().map(|row| LedgerRow::read(row)).collect(),
        Err(Fault::Statement(fault)) if fault.is_missing() => Ok(Vec::new()),
        Err(fault) => Err(fault.into_error("reading the ledger", api.connection())),
    }
}
