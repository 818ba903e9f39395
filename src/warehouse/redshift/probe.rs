//! Tries what a load will need, on nothing that matters: a temporary table, files of its own.

use super::data_api::Fault;
use super::grants::{self, Need, Object};
use super::ledger::{self, LEDGER, LedgerRow};
use super::load_id::token;
use super::manifest::Manifest;
use super::quote::{qualified, quote_literal};
use super::staging::PROBES;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Place, Result};
use crate::report::FileReport;
use crate::schema::{Identity, TargetTable, quote_identifier};
use crate::store::{Location, objects};
use std::time::Duration;

/// How long a check waits for a table's lock.
const PROBE_DEADLINE: Duration = Duration::from_secs(60);

impl RedshiftWarehouse {
    /// A place for the files of one probe.
    ///
    /// # Errors
    /// [`Error::Usage`] if the staging place has no inside.
    pub fn probe_place(&self) -> Result<Location> {
        self.settings().staging.child(PROBES)?.child(&uuid::Uuid::now_v7().to_string())
    }

    /// Copies files of one integer column `a` into a temporary table, with the role that loads use.
    ///
    /// # Errors
    /// What Redshift has against it.
    pub fn probe_copy(&self, place: &Location, files: &[FileReport]) -> Result<()> {
        let manifest = place.child("manifest.json")?;
        objects::put_encrypted(&manifest, Manifest::of(files).json(), self.settings().encryption.clone())?;
        let role = match self.settings().iam_role.as_str() {
            "default" => "default".to_owned(),
            arn => quote_literal(arn),
        };
        let id = uuid::Uuid::now_v7().simple().to_string();
        let sqls = [
            format!("CREATE TEMP TABLE csl_check_{id} (a INTEGER)"),
            format!(
                "COPY csl_check_{id} (a) FROM {} IAM_ROLE {role} FORMAT AS PARQUET MANIFEST",
                quote_literal(&manifest.to_string())
            ),
        ];
        let copied = self.api().transaction("csl-stream check", &sqls, &token(&id, "check", 1));
        copied.map(drop).map_err(|fault| match fault {
            // The first statement makes the table.
            Fault::Statement(fault) if fault.at != Some(0) => Error::access("Redshift cannot copy from the staging place")
                .help(
                    "give redshift.iam_role s3:GetObject and s3:ListBucket on the staging bucket, attach it to the \
                     cluster or workgroup, and let the database user assume it; COPY of Parquet reads by pre-signed \
                     URLs that live for an hour: the bucket's policy must allow them (s3:signatureAge at least \
                     3600000 ms), and with enhanced VPC routing the network must lead to S3",
                )
                .because(fault.message),
            fault => fault.into_error("the copy", self.api().connection()),
        })
    }

    /// Removes the files of a probe, as far as that goes.
    pub fn end_probe(&self, place: &Location) {
        let removed = objects::below(place).and_then(|found| {
            found.iter().try_for_each(|object| objects::remove(&place.child(&object.name)?))
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "the files of a check stay in the staging place");
        }
    }

    /// Asks whether the user may do to a table all that a load does, and tries each statement on no row.
    ///
    /// # Errors
    /// [`Error::Access`] naming every grant that is missing, with the statements that help;
    /// [`Error::Transient`] if a load of the table is under way.
    pub fn probe_load(&self, target: &TargetTable) -> Result<()> {
        let (schema, table) = (&self.settings().schema, &target.name);
        let mut lacking = self.lacking(&grants::of_all(schema))?.unwrap_or_default();
        if lacking.iter().any(|need| matches!(need.on, Object::Schema(_))) {
            // Without it nothing can be asked about what is in the schema.
            return Err(self.lacks(&lacking, target));
        }
        lacking.extend(self.lacking(&grants::of_target(schema, table))?.unwrap_or_default());
        // Who was erased is read by every load once anybody was.
        let reads: Vec<Need> =
            grants::of_erased(schema).into_iter().filter(|need| need.privilege == "SELECT").collect();
        lacking.extend(self.lacking(&reads)?.unwrap_or_default());
        // What a load makes at its first time need not be there.
        let kept = [grants::of_ledger(schema), grants::of_lock(schema, table)];
        let mut there = Vec::with_capacity(kept.len());
        for needs in &kept {
            let found = self.lacking(needs)?;
            there.push(found.is_some());
            lacking.extend(found.unwrap_or_default());
        }
        let creates = Need { privilege: "CREATE", on: Object::Schema(schema.clone()) };
        if there.contains(&false)
            && !self.lacking(std::slice::from_ref(&creates))?.unwrap_or_default().is_empty()
        {
            return Err(Error::access(
                "the ledger, or the table's lock, is not there, and the user may not make it",
            )
            .at(Place::uri(target.qualified()))
            .help("run what `csl-stream schema ddl --ledger` prints as a user who may"));
        }
        if !lacking.is_empty() {
            return Err(self.lacks(&lacking, target));
        }
        self.try_load(target, there[0], there[1])
    }

    fn lacks(&self, lacking: &[Need], target: &TargetTable) -> Error {
        let database = &self.api().connection().database;
        let shown: Vec<_> = lacking.iter().map(|need| need.shown(database)).collect();
        let grants: Vec<_> =
            shown.iter().map(|need| format!("GRANT {need} TO the user that loads")).collect();
        Error::access(format!("the user lacks {}", shown.join(", ")))
            .at(Place::uri(target.qualified()))
            .help(format!("{}; `csl-stream schema ddl --ledger` prints all grants", grants.join("; ")))
    }

    /// Which of the needs the user has not; none if the table is not there.
    fn lacking(&self, needs: &[Need]) -> Result<Option<Vec<Need>>> {
        let questions: Vec<_> = needs.iter().map(Need::question).collect();
        let rows = match self.api().query(&format!("SELECT {}", questions.join(", "))) {
            Err(Fault::Statement(fault)) if fault.is_missing() => return Ok(None),
            rows => rows.map_err(|fault| fault.into_error("asking for grants", self.api().connection()))?,
        };
        let row = rows.into_iter().next().unwrap_or_default();
        let granted = |at: usize| matches!(row.get(at), Some(Some(text)) if text == "true" || text == "t");
        let lacking = needs.iter().enumerate().filter(|(at, _)| !granted(*at)).map(|(_, need)| need.clone());
        Ok(Some(lacking.collect()))
    }

    /// Runs what a load runs, on no row, in one transaction.
    fn try_load(&self, target: &TargetTable, with_ledger: bool, with_lock: bool) -> Result<()> {
        let schema = &self.settings().schema;
        let id = uuid::Uuid::now_v7().simple().to_string();
        let (temporary, table) = (format!("csl_check_{id}"), target.qualified());
        let columns = target.columns.iter().filter(|column| column.identity != Identity::Always);
        let names: Vec<_> = columns.map(|column| quote_identifier(&column.name)).collect();
        let names = names.join(", ");
        let mut sqls = Vec::new();
        if with_lock {
            let lock = qualified(schema, &ledger::lock_name(&target.name));
            sqls.push(format!("UPDATE {lock} SET claim = claim WHERE 1 = 0"));
        }
        sqls.push(format!("CREATE TEMP TABLE {temporary} AS SELECT * FROM {table} WHERE 1 = 0"));
        sqls.push(format!("DELETE FROM {table} WHERE 1 = 0"));
        sqls.push(format!("INSERT INTO {table} ({names}) SELECT {names} FROM {temporary}"));
        if with_ledger {
            let row = LedgerRow::none().insert(&qualified(schema, LEDGER), "0", "0", None, false);
            sqls.push(format!("{row} WHERE 1 = 0"));
        }
        let mut api = self.api().clone();
        api.load_within(PROBE_DEADLINE);
        let tried = api.transaction("csl-stream check", &sqls, &token(&id, "check", 1));
        tried.map(drop).map_err(|fault| match fault {
            Fault::Statement(fault) if fault.aborted => {
                Error::transient("the table was not free within a minute")
                    .at(Place::uri(table))
                    .help("a load of it may be under way: check again when it has ended")
            }
            fault => fault.into_error("trying what a load does", api.connection()),
        })
    }
}
