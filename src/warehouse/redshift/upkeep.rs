//! What a load needs and leaves beside its transaction: the ledger, copies of manifests, a tidy table.

use super::admission::{Asked, Known};
use super::catalogue::Catalogue;
use super::data_api::{Fault, jittered};
use super::decision::known;
use super::ledger;
use super::manifest::Manifest;
use super::staging::StagedLoad;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Result};
use crate::store::{ExportKind, objects};

/// Times that the ledger is looked for and made.
const LEDGER_ATTEMPTS_MAX: u32 = 5;
/// Seconds that are waited for a VACUUM or ANALYZE to fail.
const TIDY_SECONDS: i32 = 2;

impl RedshiftWarehouse {
    /// Makes the ledger and the table's lock at the first load. They are read first: a user that may load
    /// need not be allowed to create, and what is only read keeps nobody waiting. Gives what is known then.
    pub(super) fn ensure_ledger(&self, request: &Asked<'_>, table: &str) -> Result<Known> {
        let schema = &self.settings().schema;
        let mut failed = None;
        for attempt in 1..=LEDGER_ATTEMPTS_MAX {
            match known(self.api(), schema, request, true) {
                Ok(known) if known.claim.is_some() => {
                    self.upgrade_ledger(&known);
                    return Ok(known);
                }
                Ok(_) => failed = self.create(&[ledger::enter(schema, table)]).err(),
                Err(Fault::Statement(fault)) if fault.is_missing() => {
                    // Another process may make them at the same time: what counts is that they are there.
                    let made = [ledger::create_ledger(schema), ledger::create_lock(schema, table)];
                    failed = None;
                    for sql in made {
                        failed = self.create(&[sql]).err().or(failed);
                    }
                }
                Err(fault) => return Err(fault.into_error("reading the ledger", self.api().connection())),
            }
            if failed.is_some() {
                std::thread::sleep(jittered(attempt));
            }
        }
        let missing = || Error::machine("the ledger is not there, though it was created");
        Err(failed.unwrap_or_else(missing))
    }

    /// Whether there is a ledger that lacks columns.
    pub(super) fn lacks_columns(&self, table: &str) -> Result<bool> {
        let schema = &self.settings().schema;
        Catalogue::ask(self.api(), schema, table)
            .map(|catalogue| catalogue.has_ledger && catalogue.lacking().next().is_some())
            .map_err(|fault| fault.into_error("reading the catalogue", self.api().connection()))
    }

    /// Gives a ledger of an earlier program the columns that it lacks. Without them loads go on as they did then:
    /// a table that lost its rows is filled again, but nothing is kept of that, nor of the policy of privacy.
    fn upgrade_ledger(&self, known: &Known) {
        let altered: Vec<_> = ledger::alter_ledger(&self.settings().schema, known.catalogue.lacking())
            .into_iter()
            .map(|sql| (self.create(std::slice::from_ref(&sql)), sql))
            .collect();
        for (made, sql) in altered {
            if let Err(error) = made {
                tracing::warn!(
                    %error,
                    help = format!("run it as the ledger's owner: {sql}"),
                    "the ledger is one of an earlier version"
                );
            }
        }
    }

    /// Removes staged loads that are over, of every table.
    pub(super) fn sweep_staged(&self) -> Result<u64> {
        let tables = self.staging().tables()?;
        tables.iter().map(|table| self.staging().sweep(table, "", self.staged_for())).sum()
    }

    /// The load has ended whatever becomes of the copy.
    pub(super) fn keep_manifest(&self, staged: &StagedLoad, succeeded: bool) -> Option<String> {
        let manifests = self.settings().manifests.as_ref()?;
        let prefix = if succeeded { &manifests.prefix } else { &manifests.failed_prefix };
        let (table, name) = (&staged.entry.table, format!("{}.json", staged.entry.load_id));
        let kept = manifests
            .url
            .child(prefix.trim_matches('/'))
            .and_then(|place| place.child(table)?.child(&name))
            .and_then(|place| {
                objects::put_encrypted(
                    &place,
                    Manifest::of(&staged.files).json(),
                    self.settings().encryption.clone(),
                )
            });
        let error = kept.err()?;
        tracing::warn!(%error, "no copy of the manifest is kept");
        Some(format!("no copy of the manifest is kept: {error}"))
    }

    /// Statements of their own, because VACUUM takes no transaction; looked at once, because the load is
    /// done. An incremental leaves nothing to clean up.
    pub(super) fn tidy(&self, staged: &StagedLoad) -> Vec<String> {
        if staged.entry.kind != ExportKind::Full {
            return Vec::new();
        }
        let table = staged.target.qualified();
        let refused = |sql: String| {
            let error = self.refused_to_tidy(&sql)?;
            Some(format!(
                "the load is done, but {sql} did not run: {error}; only the table's owner may do this: make the loader \
                 the owner, or leave it to Redshift's own VACUUM and ANALYZE"
            ))
        };
        [format!("VACUUM DELETE ONLY {table}"), format!("ANALYZE {table}")]
            .into_iter()
            .filter_map(refused)
            .collect()
    }

    /// Runs a statement that tidies a table up, and says why it could not, as far as that shows at once.
    pub(super) fn refused_to_tidy(&self, sql: &str) -> Option<Error> {
        let error = match self.api().glance(sql, TIDY_SECONDS) {
            Ok(None) => return None,
            Ok(Some(fault)) => fault.into_error("tidying up", &self.connection().to_string()),
            Err(fault) => fault.into_error("tidying up", self.connection()),
        };
        tracing::warn!(%error, sql, "the table is not tidied up");
        Some(error)
    }
}
