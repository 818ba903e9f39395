//! Takes people's rows out of a table of Redshift: one transaction, then what is staged and kept beside it.
//!
//! ```text
//! claim ─ first ─ marks ─ ledger ─ DELETE      COMMIT ─▶ staged loads, the report of the last full load, VACUUM
//! ```
//!
//! A load that is under way meanwhile has not seen the marks, and does not commit: before its transaction it reads
//! them again, after the lock's claim, which this transaction changes too.

use super::admission::{Asked, Known};
use super::catalogue::Catalogue;
use super::data_api::{Fault, jittered};
use super::decision::known;
use super::ledger::{LEDGER, LedgerRow};
use super::load_id::token;
use super::marks::{self, create_erased, is_marked};
use super::messages::{Class, has_spoken};
use super::quote::qualified;
use super::run;
use super::sql::{FIRST_WORDS, claim, first};
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Place, Result};
use crate::ledger::timestamp;
use crate::privacy::{Mark, Marks};
use crate::schema::TargetTable;
use crate::store::{ExportKind, KeptFiles, S3Files, objects};
use crate::warehouse::{Done, ERASE_SOURCE, Erased, Erasure, Touched};
use std::time::SystemTime;

/// Times that the transaction is run.
const ATTEMPTS_MAX: u32 = 6;
/// Marks of one statement: a statement has 100,000 bytes at most.
const MARKS_PER_STATEMENT: usize = 200;

/// What a run found before its transaction.
struct Found {
    known: Known,
    marks: Marks,
    rows: u64,
}

impl RedshiftWarehouse {
    /// Who was erased from a table, where nothing else is known of it.
    pub(super) fn marks_of(&self, table: &str) -> Result<Marks> {
        let catalogue = Catalogue::ask(self.api(), &self.settings().schema, table)
            .map_err(|fault| fault.into_error("reading the catalogue", self.connection()))?;
        self.known_marks(table, &Known::nothing(catalogue))
    }

    /// Who was erased from a table.
    pub(super) fn known_marks(&self, table: &str, known: &Known) -> Result<Marks> {
        if !known.catalogue.has_erased {
            return Ok(Marks::default());
        }
        marks::read(self.api(), &self.settings().schema, table)
            .map_err(|fault| fault.into_error("reading who was erased", self.api().connection()))
    }

    /// Erases: the transaction, and what lies beside it.
    pub(super) fn erase_rows(&self, erasure: &Erasure) -> Result<Erased> {
        let target = self.target(&erasure.table)?;
        // In its very letters: the marks are compared with the names of exports' headers.
        if !target.columns.iter().any(|column| column.name == erasure.column) {
            return Err(Error::usage(format!("the table has no column {:?}", erasure.column))
                .at(Place::uri(self.connection().to_string()))
                .help("name one that tells whose a row is: --id is the column id, --email that of --email-column"));
        }
        let row = self.row_of(erasure, 0);
        let (rows, rows_left) = if erasure.dry_run {
            (self.counted(&target, erasure)?, 0)
        } else {
            self.ensure_ledger(&Asked::from(&row), &erasure.table)?;
            self.ensure_erased()?;
            self.transact(&target, erasure)?
        };
        let done = if rows > 0 { Done::Rewritten } else { Done::Nothing };
        let place = |name: &str| format!("{}/{}.{name}", self.connection(), self.settings().schema);
        let mut touched = vec![
            Touched::new(place(&erasure.table), "table", Some(rows), done),
            Touched::new(place(marks::ERASED), "marks", None, Done::Marked),
        ];
        touched.extend(self.untold(erasure)?);
        touched.extend(self.staging().erase(&erasure.table, erasure.dry_run)?);
        touched.extend(self.forget_profile(erasure)?);
        // Also after a run that was killed between the two.
        if !erasure.dry_run {
            touched.extend(self.vacuum(&target));
        }
        Ok(Erased { rows, rows_left, touched })
    }

    fn ensure_erased(&self) -> Result<()> {
        let schema = &self.settings().schema;
        let found = self.api().query(&marks::select(schema, ""));
        match found {
            Ok(_) => Ok(()),
            Err(Fault::Statement(fault)) if fault.is_missing() => {
                self.create(&[create_erased(schema)]).map_err(|error| {
                    error.help(
                        "make the table and grant SELECT and INSERT on it: csl-stream schema ddl --ledger",
                    )
                })
            }
            Err(fault) => Err(fault.into_error("reading who was erased", self.connection())),
        }
    }

    fn row_of(&self, erasure: &Erasure, rows: u64) -> LedgerRow {
        LedgerRow {
            load_id: erasure.erase_id.clone(),
            table: erasure.table.clone(),
            kind: ExportKind::Incremental,
            source_uri: ERASE_SOURCE.to_owned(),
            rows_read: rows,
            started: timestamp(SystemTime::now()).replace('T', " ").replace('Z', ""),
            version: concat!("csl-stream ", env!("CARGO_PKG_VERSION")).to_owned(),
            ..LedgerRow::none()
        }
    }

    fn look(&self, target: &TargetTable, erasure: &Erasure) -> Result<Found> {
        let row = self.row_of(erasure, 0);
        let known = known(self.api(), &target.schema, &Asked::from(&row), true)
            .map_err(|fault| fault.into_error("reading the ledger", self.connection()))?;
        let marks = self.known_marks(&erasure.table, &known)?;
        Ok(Found { known, marks, rows: self.counted(target, erasure)? })
    }

    /// Rows of theirs.
    fn counted(&self, target: &TargetTable, erasure: &Erasure) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM {} WHERE {}", target.qualified(), condition(erasure));
        self.number(&sql)
    }

    fn number(&self, sql: &str) -> Result<u64> {
        let rows = self
            .api()
            .query(sql)
            .map_err(|fault| fault.into_error("counting the table's rows", self.connection()))?;
        let cell = rows.first().and_then(|row| row.first()).cloned().flatten();
        cell.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Error::machine("Redshift gave no number of rows").at(Place::uri(self.connection().to_string()))
        })
    }

    /// Runs the transaction until it is known how it ended: rows that are gone, rows that are left.
    fn transact(&self, target: &TargetTable, erasure: &Erasure) -> Result<(u64, u64)> {
        let name = format!("csl-stream erase {} {}", erasure.table, erasure.erase_id);
        let process = uuid::Uuid::now_v7().to_string();
        for attempt in 1..=ATTEMPTS_MAX {
            let found = self.look(target, erasure)?;
            let token = token(&erasure.erase_id, &process, attempt);
            let sqls = self.statements(target, erasure, &found, &token);
            let ended = self.api().transaction(&name, &sqls, &token);
            let fault = match ended {
                Ok(_) => return self.left(target, found.rows),
                Err(fault) => fault,
            };
            // Also when the program is to stop, and also if the statement is told to have failed.
            if run::one(&self.api().heedless(), &target.schema, &erasure.erase_id)?.is_some() {
                return self.left(target, found.rows);
            }
            match &fault {
                Fault::Statement(told)
                    if has_spoken(&told.message, FIRST_WORDS) || told.class() == Class::Passing => {}
                _ => return Err(fault.into_error("erasing", self.connection())),
            }
            std::thread::sleep(jittered(attempt));
        }
        Err(Error::transient("loads of the table were first, each time")
            .at(Place::uri(self.connection().to_string()))
            .help("nothing was erased: run it again"))
    }

    fn left(&self, target: &TargetTable, rows: u64) -> Result<(u64, u64)> {
        Ok((rows, self.number(&format!("SELECT COUNT(*) FROM {}", target.qualified()))?))
    }

    fn statements(&self, target: &TargetTable, erasure: &Erasure, found: &Found, token: &str) -> Vec<String> {
        let (schema, seen) = (&target.schema, found.known.seen());
        let mut sqls =
            vec![claim(schema, &erasure.table, &seen.claim, token), first(schema, &erasure.table, token)];
        let wanted = erasure.marks(&found.marks);
        let is_known = |mark: &&Mark| {
            found.marks.iter().any(|known| known.hash == mark.hash && known.column == mark.column)
        };
        let new: Vec<&Mark> = wanted.iter().filter(|mark| !is_known(mark)).collect();
        let row = self.row_of(erasure, found.rows);
        for marks in new.chunks(MARKS_PER_STATEMENT) {
            sqls.push(marks::insert(schema, &erasure.table, marks, &row.started));
        }
        sqls.push(row.insert(&qualified(schema, LEDGER), "0", "0", seen.life, seen.keeps_privacy));
        sqls.push(format!("DELETE FROM {} WHERE {}", target.qualified(), condition(erasure)));
        sqls
    }

    /// The report of the last full load says what its columns held, theirs too, also where this program cannot read it.
    fn forget_profile(&self, erasure: &Erasure) -> Result<Option<Touched>> {
        let place = self.staging().profile(&erasure.table)?;
        let files = S3Files::new(self.settings().encryption.clone());
        if matches!(files.first_line(&place), Ok(None)) {
            return Ok(None);
        }
        let uri = place.to_string();
        let removed = if erasure.dry_run { Ok(()) } else { objects::remove(&place) };
        Ok(Some(match removed {
            Ok(()) => Touched::new(uri, "run report", None, Done::Removed),
            Err(error) => Touched::left(uri, "run report", format!("{error}: remove it")),
        }))
    }

    /// Loads whose rows stay in the table and were made under another policy of privacy: what it has made of a value
    /// is not known.
    fn untold(&self, erasure: &Erasure) -> Result<Option<Touched>> {
        if !erasure.tells_by_rules() {
            return Ok(None);
        }
        let schema = &self.settings().schema;
        let failed = |fault: Fault| fault.into_error("reading the ledger", self.connection());
        let catalogue = Catalogue::ask(self.api(), schema, &erasure.table).map_err(failed)?;
        if !catalogue.has_ledger {
            return Ok(None);
        }
        let row = LedgerRow { privacy: erasure.privacy.clone(), ..self.row_of(erasure, 0) };
        let known = known(self.api(), schema, &Asked::from(&row), false).map_err(failed)?;
        let place = format!("{}/{schema}.{}", self.connection(), erasure.table);
        Ok((known.other_policy > 0).then(|| Touched::untold(place, "rows", known.other_policy)))
    }

    /// DELETE marks rows; VACUUM takes them out of the table's blocks (dg/r_VACUUM_command).
    fn vacuum(&self, target: &TargetTable) -> Option<Touched> {
        let sql = format!("VACUUM DELETE ONLY {} TO 100 PERCENT", target.qualified());
        self.refused_to_tidy(&sql)?;
        let why = format!("the deleted rows leave them with the next VACUUM; as the table's owner: {sql}");
        Some(Touched::left(target.qualified(), "blocks of the table", why).passing())
    }
}

/// SQL that is true of rows of theirs.
fn condition(erasure: &Erasure) -> String {
    let marks = erasure.marks(&Marks::default());
    is_marked(&erasure.column, &marks.of_column(&erasure.column), erasure.hidden.iter())
}
