//! Before a load: whether its table is there and fits, under which id it runs, and which SQL it would be.

use super::admission::{Asked, Known};
use super::catalogue::Catalogue;
use super::data_api::Fault;
use super::decision::known;
use super::ledger::LedgerRow;
use super::load_id::load_id;
use super::sql::{LoadSql, Seen};
use super::staging::MANIFEST_NAME;
use super::warehouse::{RedshiftWarehouse, columns_of};
use crate::error::{Error, Result};
use crate::report::Rows;
use crate::schema::{DdlOptions, Fitted, Layout, Table, TargetTable, create_table};
use crate::warehouse::{Admission, Altered, Intent, LoadRequest, TargetPlan, Warehouse};
use std::time::SystemTime;

impl RedshiftWarehouse {
    /// Runs statements that make tables, one by one.
    ///
    /// # Errors
    /// Whatever Redshift has against them.
    pub fn create(&self, statements: &[String]) -> Result<()> {
        for sql in statements {
            self.api()
                .execute(sql)
                .map_err(|fault| fault.into_error("creating a table", self.connection()))?;
        }
        Ok(())
    }

    /// Asks the database for nothing but an answer.
    ///
    /// # Errors
    /// Why there is none.
    pub fn ping(&self) -> Result<()> {
        self.api()
            .query("SELECT 1")
            .map(drop)
            .map_err(|fault| fault.into_error("asking Redshift", self.connection()))
    }

    pub(super) fn prepare_load(
        &self,
        intent: &Intent<'_>,
        id: &str,
        altered: &mut Altered,
    ) -> Result<String> {
        let table = &intent.table.name;
        let target = match self.find_target(table)? {
            None if intent.create_table => {
                self.create(&[self.ddl(intent.table)?])?;
                self.target(table)?
            }
            None => return self.made_meanwhile(intent.table).map(|_| id.to_owned()),
            Some(target) => self.evolved(intent, target, altered)?,
        };
        let Some(own) = id_of(intent, &target) else { return Ok(id.to_owned()) };
        // What is loaded once more is another load, also if the ledger is not to be believed any more.
        let request = LoadRequest { load_id: own.clone(), ..intent.request.clone() };
        let is_another = self.is_listed(&own)? && self.admit(&request)? == Admission::Proceed;
        Ok(if is_another { id.to_owned() } else { own })
    }

    pub(super) fn plan_load(&self, intent: &Intent<'_>, layout: &Layout, rows: u64) -> Result<TargetPlan> {
        let Some(target) = self.find_target(&intent.table.name)? else {
            return self.plan_without_table(intent);
        };
        let alterations = self.alterations(&target, intent.table)?;
        let altered = target.altered(&alterations);
        let fitted = altered.compare(layout.clone(), intent.table, intent.missing_columns, self.evolves());
        let misfit = fitted.fault(&altered);
        let id = id_of(intent, &altered).unwrap_or_else(|| "(a new id)".to_owned());
        let mut request = intent.request.clone();
        request.load_id = id;
        let sql = match misfit {
            Some(_) => Vec::new(),
            None => self.plan_sql(&request, &altered, &fitted, rows)?,
        };
        Ok(TargetPlan {
            table: Some(target),
            created: false,
            differences: fitted.differences,
            alterations: alterations.into_iter().map(|alteration| alteration.sql).collect(),
            sql,
            misfit,
        })
    }

    /// The statements of a load that is only planned, with `rows` for the rows that it will accept.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that cannot be a key's.
    pub fn plan_sql(
        &self,
        request: &LoadRequest,
        target: &TargetTable,
        fitted: &Fitted,
        rows: u64,
    ) -> Result<Vec<String>> {
        let place = self.staging().of_load(&request.table, &request.load_id)?;
        let manifest_uri = place.child(MANIFEST_NAME)?.to_string();
        let rows = Rows { read: rows, accepted: rows, ..Rows::default() };
        let sql = LoadSql {
            target,
            columns: &columns_of(fitted),
            iam_role: &self.settings().iam_role,
            manifest_uri: &manifest_uri,
            entry: &LedgerRow::of_load(request, &[], &rows, SystemTime::now()),
            seen: &self.seen(request)?,
            claim: &request.load_id,
            cover: self.covers(),
        };
        Ok(sql.steps().into_iter().map(|step| step.sql).collect())
    }

    /// What a load would take for given, as far as it can be known before the first.
    fn seen(&self, request: &LoadRequest) -> Result<Seen> {
        let (schema, asked) = (&self.settings().schema, Asked::from(request));
        let missing = |fault: &Fault| matches!(fault, Fault::Statement(fault) if fault.is_missing());
        let found = match known(self.api(), schema, &asked, false) {
            Err(fault) if missing(&fault) => {
                Catalogue::ask(self.api(), schema, &request.table).map(Known::nothing)
            }
            found => found,
        };
        found
            .map(|known| known.seen())
            .map_err(|fault| fault.into_error("reading the ledger", self.connection()))
    }

    fn plan_without_table(&self, intent: &Intent<'_>) -> Result<TargetPlan> {
        if intent.create_table {
            let sql = vec![self.ddl(intent.table)?];
            return Ok(TargetPlan { created: true, sql, ..TargetPlan::default() });
        }
        let misfit = self.made_meanwhile(intent.table).err();
        Ok(TargetPlan { misfit, ..TargetPlan::default() })
    }

    /// A table that was not there a moment ago.
    ///
    /// # Errors
    /// [`Error::Schema`] with the statement that makes it.
    fn made_meanwhile(&self, table: &Table) -> Result<TargetTable> {
        let ddl = self.ddl(table)?;
        self.target(&table.name).map_err(|error| match error {
            // One line: names hold no line breaks.
            Error::Schema(_) => error.help(format!(
                "let whoever may make it run: {}; or set load.create_table (--create-table); if it is there, \
                 grant this user SELECT, INSERT and DELETE on it",
                ddl.replace("(\n    ", "(").replace("\n    ", " ").replace('\n', "")
            )),
            other => other,
        })
    }

    /// The statement that makes a table, without its semicolon.
    fn ddl(&self, table: &Table) -> Result<String> {
        let options = DdlOptions { schema: Some(self.settings().schema.clone()), replace: false };
        Ok(create_table(table, &options)?.sql.trim_end().trim_end_matches(';').to_owned())
    }
}

/// The id of this very work; none if the export's content is not known by an etag.
fn id_of(intent: &Intent<'_>, target: &TargetTable) -> Option<String> {
    let request = &intent.request;
    // What is loaded once more is another load, under an id of its own.
    if request.again {
        return None;
    }
    let etag = request.source.etag.as_deref()?;
    let (table, target) = (format!("{:?}", intent.table), format!("{target:?}"));
    let mut identity = vec![
        env!("CARGO_PKG_VERSION"),
        &request.source.uri,
        etag,
        request.kind.word(),
        &intent.choices,
        &table,
        &target,
    ];
    identity.extend(request.privacy.as_ref().map(|id| id.digest.as_str()));
    Some(load_id(request.exported_at.as_deref(), &identity))
}
