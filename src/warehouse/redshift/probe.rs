//! Tries what a load will need, on nothing that matters: a temporary table, files of its own.

use super::data_api::Fault;
use super::load_id::token;
use super::manifest::Manifest;
use super::quote::quote_literal;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Result};
use crate::report::FileReport;
use crate::store::{Location, objects};

/// Folder of the probes beside the tables' in the staging place.
const PROBES: &str = ".check";

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
        objects::put(&manifest, Manifest::of(files).json())?;
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
        copied.map_err(|fault| match fault {
            Fault::Statement(fault) => Error::access("Redshift cannot copy from the staging place")
                .help(
                    "give redshift.iam_role s3:GetObject and s3:ListBucket on the staging bucket, attach it to the \
                     cluster or workgroup, and let the database user assume it",
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

    /// Whether the user may do to a table what a load does: `(privilege, granted)`.
    ///
    /// # Errors
    /// If the catalogue cannot be asked.
    pub fn privileges(&self, table: &str) -> Result<Vec<(&'static str, bool)>> {
        let name = quote_literal(&super::quote::qualified(&self.settings().schema, table));
        let asked = ["SELECT", "INSERT", "DELETE"];
        let calls = asked.map(|word| format!("HAS_TABLE_PRIVILEGE({name}, '{word}')")).join(", ");
        let rows = self
            .api()
            .query(&format!("SELECT {calls}"))
            .map_err(|fault| fault.into_error("asking for grants", self.api().connection()))?;
        let row = rows.into_iter().next().unwrap_or_default();
        let granted = |at: usize| matches!(row.get(at), Some(Some(text)) if text == "true" || text == "t");
        Ok(asked.iter().enumerate().map(|(at, word)| (*word, granted(at))).collect())
    }
}
