//! What `check` says of Redshift: buckets, regions, login, role, tables, grants.

use super::alter::statements;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Place, Result};
use crate::report::Checklist;
use crate::schema::{Layout, MissingColumns, Table, UnknownColumns};
use crate::store::s3::Encryption;
use crate::store::{Location, objects};
use crate::warehouse::WriteProbe;

impl RedshiftWarehouse {
    pub(super) fn inspect(
        &self,
        tables: &[(String, Option<Table>)],
        probe: &WriteProbe<'_>,
        list: &mut Checklist<'_>,
    ) {
        let settings = self.settings();
        let staging = list.says("staging place", writable(&settings.staging, &settings.encryption));
        if staging {
            list.says("staging region", self.same_region());
            list.says("staging content", self.own_content());
        }
        if let Some(manifests) = &settings.manifests {
            for prefix in [&manifests.prefix, &manifests.failed_prefix] {
                let place = manifests.url.child(prefix.trim_matches('/'));
                list.says("manifest place", place.and_then(|place| writable(&place, &settings.encryption)));
            }
        }
        let asked = self.ping().map(|()| format!("{} answers", self.api().connection()));
        if !list.says("Redshift", asked) {
            return;
        }
        if staging {
            list.says("COPY role", self.copies(probe));
        }
        for (name, table) in tables {
            list.says(&format!("table {name}"), self.table_is_there(name, table.as_ref()));
        }
    }

    /// COPY of Parquet takes no REGION: the bucket must be where Redshift is.
    fn same_region(&self) -> Result<String> {
        let staging = &self.settings().staging;
        let (bucket, own) = (objects::region(staging)?, self.api().region().unwrap_or_default());
        if bucket != own {
            return Err(Error::usage(format!("the staging bucket is in {bucket}, Redshift in {own}"))
                .at(Place::uri(staging.to_string()))
                .help("stage in a bucket of Redshift's own region: COPY of Parquet reads from no other"));
        }
        Ok(format!("bucket and Redshift are in {own}"))
    }

    /// What others put there is never touched; it is said, because a place of its own is safer.
    fn own_content(&self) -> Result<String> {
        Ok(match self.foreign_staged()? {
            None => "holds nothing but staged loads".to_owned(),
            Some((count, first)) => format!(
                "warning: the place is not csl-stream's alone: {count} objects of others, the first is {first:?}; they \
                 stay, but a staging place of its own is safer"
            ),
        })
    }

    fn copies(&self, probe: &WriteProbe<'_>) -> Result<String> {
        let place = self.probe_place()?;
        let copied = probe(&place).and_then(|files| self.probe_copy(&place, &files));
        self.end_probe(&place);
        copied.map(|()| format!("{} can copy from the staging place", self.settings().iam_role))
    }

    fn table_is_there(&self, name: &str, table: Option<&Table>) -> Result<String> {
        let target = self.target(name)?;
        let mut alterations = Vec::new();
        self.probe_load(&target)?;
        if let Some(table) = table {
            let header: Vec<String> = table.columns.keys().cloned().collect();
            let layout = Layout::bind(&header, table, UnknownColumns::Fail, MissingColumns::Fail)?;
            // Columns that only the table has may be wanted: a load decides that by its flags.
            alterations = self.alterations(&target, table)?;
            target.altered(&alterations).fit(layout, table, MissingColumns::Null, self.evolves())?;
        }
        let may = format!(
            "{} columns, the schema fits, and each statement of a load may run",
            target.columns.len()
        );
        if !alterations.is_empty() {
            return Ok(format!(
                "warning: {may} once the table is altered: the next load does that if the loader owns the table, else \
                 let its owner run: {}",
                statements(&alterations)
            ));
        }
        Ok(match self.lacks_columns(name)? {
            true => format!(
                "warning: {may}; but the ledger is one of an earlier version: the next load adds its columns if the loader \
                 owns it, else run what `csl-stream schema ddl --ledger` prints at its end"
            ),
            false => may,
        })
    }
}

/// Writes an object and takes it away again.
fn writable(place: &Location, encryption: &Encryption) -> Result<String> {
    let probe = place.child(&format!(".check-{}", uuid::Uuid::now_v7()))?;
    objects::put_encrypted(&probe, b"csl-stream check".to_vec(), encryption.clone())?;
    objects::below(place)?;
    objects::remove(&probe)?;
    Ok(format!("{place} can be written to, listed and removed from"))
}
