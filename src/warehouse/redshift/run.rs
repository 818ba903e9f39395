//! Puts a staged load into its table: one transaction, run until it is known how it ended.
//!
//! ```text
//! submit ─┬─ FINISHED ────────────────────────▶ the ledger's row
//!         ├─ guard "once" ──▶ the ledger: loaded, by an attempt whose answer was lost, or by another
//!         ├─ ERROR 1023, session lost ──▶ all of it again, under another token
//!         ├─ guard "count", COPY ──▶ the error, with what Redshift says of it
//!         └─ nobody knows ──▶ the ledger
//! ```

use super::answer::{StatementFault, cut};
use super::data_api::{DataApi, Fault, jittered, place};
use super::ledger::{self, LedgerRow};
use super::load_id::token;
use super::sql::{LoadSql, Role, Step};
use super::staging::{MANIFEST_NAME, StagedLoad};
use crate::error::{Error, Result};
use crate::store::Location;

/// Times that one transaction is run.
const LOAD_ATTEMPTS_MAX: u32 = 6;
/// Faults of a COPY that an error repeats.
const COPY_FAULTS_MAX: usize = 3;

/// Runs the load of what is staged at `staged_at`.
///
/// # Errors
/// [`Error::Counts`] if another number of rows was copied than accepted, [`Error::Transient`] if it may
/// do better later, and whatever Redshift has against it. The table is as it was then.
pub(super) fn run(
    api: &DataApi,
    load: &StagedLoad,
    staged_at: &Location,
    iam_role: &str,
) -> Result<LedgerRow> {
    let manifest_uri = staged_at.child(MANIFEST_NAME)?.to_string();
    let sql = LoadSql {
        target: &load.target,
        columns: &load.columns,
        iam_role,
        manifest_uri: &manifest_uri,
        entry: &load.entry,
    };
    let mut steps = sql.steps();
    if load.files.is_empty() {
        // A manifest must name a file; the count then says that no row was accepted.
        steps.retain(|step| step.role != Role::Copy);
    }
    Attempts { api, load, steps }.run()
}

struct Attempts<'a> {
    api: &'a DataApi,
    load: &'a StagedLoad,
    steps: Vec<Step>,
}

impl Attempts<'_> {
    fn run(&self) -> Result<LedgerRow> {
        let sqls: Vec<String> = self.steps.iter().map(|step| step.sql.clone()).collect();
        let entry = &self.load.entry;
        let name = format!("csl-stream {} {}", entry.table, entry.load_id);
        let process = uuid::Uuid::now_v7().to_string();
        for attempt in 1.. {
            let fault = match self.api.transaction(&name, &sqls, &token(&entry.load_id, &process, attempt)) {
                Ok(()) => return self.loaded()?.ok_or_else(|| self.vanished()),
                Err(Fault::Statement(fault)) => fault,
                Err(Fault::Unknown(error)) => return self.loaded()?.ok_or(error),
                Err(Fault::Error(error)) => return Err(error),
            };
            let again = fault.is_passing() && self.is_plain(&fault) && attempt < LOAD_ATTEMPTS_MAX;
            if !again {
                return self.judge(fault);
            }
            tracing::warn!(attempt, message = fault.message, "the load is run again");
            std::thread::sleep(jittered(attempt));
        }
        Err(self.vanished())
    }

    fn role_of(&self, fault: &StatementFault) -> Option<Role> {
        self.steps.get(fault.at?).map(|step| step.role)
    }

    /// Whether the statement is not one of the guards, whose failure means what it says.
    fn is_plain(&self, fault: &StatementFault) -> bool {
        let text = fault.message.as_str();
        let guard = matches!(self.role_of(fault), Some(Role::Once | Role::Newest | Role::Count));
        // A guard can be the statement at which another load is noticed.
        !guard || !text.contains("csl-stream: ") && (text.contains("1023") || text.contains("serializ"))
    }

    /// The end of a load that is not tried again.
    fn judge(&self, fault: StatementFault) -> Result<LedgerRow> {
        let at = place(self.api.connection());
        match self.role_of(&fault) {
            Some(Role::Once) => match self.loaded()? {
                Some(row) => Ok(row),
                None => Err(Error::transient("another load of this export was there first")
                    .at(at)
                    .help("run it again: it will see that there is nothing to do")),
            },
            Some(Role::Newest) => Err(Error::transient("a newer full export was loaded meanwhile")
                .at(at)
                .help("run it again: it will see that there is nothing to do")),
            Some(Role::Count) => {
                let accepted = self.load.entry.rows_accepted;
                Err(Error::counts(format!("{accepted} rows were accepted, but another number was copied"))
                    .at(at)
                    .help("the table is as it was; please report this with the run report")
                    .because(cut(&fault.message)))
            }
            Some(Role::Copy) => Err(self.copy_failed(fault)),
            _ => Err(fault.into_error("the load", &self.api.connection().to_string())),
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
                let cells: Vec<_> = row.iter().flatten().map(|cell| cell.trim().to_owned()).collect();
                told += &format!("; {}", cells.join(", "));
            }
        }
        let fault = StatementFault { message: told, ..fault };
        let error = fault.clone().into_error("the copy", &self.api.connection().to_string());
        match error {
            Error::Machine(_) => error.help(
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
