//! Before a load: the table gets the columns that the schema has and it lacks, and wider texts.
//!
//! ```text
//! target ─▶ alterations ─▶ ALTER TABLE, one by one ─▶ target, read anew ─▶ none left
//!    ▲                          │ somebody else was first
//!    └──────────────────────────┘
//! ```
//! Each statement stands by itself: Redshift adds one column a statement, and alters the size of a VARCHAR outside of
//! transactions alone ([ALTER TABLE][alter]). What was altered stays if the load fails afterwards: it is NULL, and
//! nobody who reads the table is hurt.
//!
//! [alter]: https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html

use super::data_api::{Fault, jittered};
use super::messages::Class;
use super::warehouse::RedshiftWarehouse;
use crate::error::{Error, Place, Result, cut, shown};
use crate::schema::{Alteration, Change, Evolve, Layout, MissingColumns, Table, TargetTable, UnknownColumns};
use crate::warehouse::{Admission, Altered, Intent, Warehouse};

/// Longest text of Redshift in a warning.
const WHY_CHARS_MAX: usize = 200;
/// Times that a table is looked at and altered: others may alter it too.
const ROUNDS_MAX: u32 = 5;

/// How a round of statements ended.
enum Round {
    /// Each has run, or will not.
    Done,
    /// The table is another by now.
    Again,
}

impl RedshiftWarehouse {
    /// What a load may do to this table beforehand: new columns first, because a load cannot do without them.
    pub(super) fn alterations(&self, target: &TargetTable, table: &Table) -> Result<Vec<Alteration>> {
        if self.evolves() == Evolve::Refuse {
            return Ok(Vec::new());
        }
        let mut alterations = target.alterations(table)?;
        alterations.sort_by_key(|alteration| alteration.change == Change::Widened);
        Ok(alterations)
    }

    /// Gives the table what it lacks, and says what it is then. An export that is not loaded alters nothing.
    pub(super) fn evolved(
        &self,
        intent: &Intent<'_>,
        target: TargetTable,
        altered: &mut Altered,
    ) -> Result<TargetTable> {
        let left = self.alterations(&target, intent.table)?;
        if left.is_empty() || self.admit(&intent.request)? != Admission::Proceed {
            return Ok(target);
        }
        let mut narrow = Narrow::default();
        let evolved = self.in_rounds(target, left, intent.table, altered, &mut narrow);
        altered.warnings.extend(narrow.told());
        evolved
    }

    fn in_rounds(
        &self,
        mut target: TargetTable,
        mut left: Vec<Alteration>,
        table: &Table,
        altered: &mut Altered,
        narrow: &mut Narrow,
    ) -> Result<TargetTable> {
        for round in 1..=ROUNDS_MAX {
            if let Round::Again = self.alter(&target, table, &left, altered, narrow)? {
                std::thread::sleep(jittered(round));
            }
            target = self.target(&table.name)?;
            left = self.alterations(&target, table)?;
            left.retain(|alteration| !narrow.has(alteration));
            if left.is_empty() {
                return Ok(target);
            }
        }
        if left.iter().all(|alteration| alteration.change == Change::Widened) {
            narrow.add(&left, "others use the table");
            return Ok(target);
        }
        Err(Error::transient("the table could not be altered: others were first, each time")
            .at(self.place_of(&target))
            .help("run it again: what is loaded is not loaded twice"))
    }

    fn alter(
        &self,
        target: &TargetTable,
        table: &Table,
        left: &[Alteration],
        altered: &mut Altered,
        narrow: &mut Narrow,
    ) -> Result<Round> {
        for (at, alteration) in left.iter().enumerate() {
            let fault = match self.api().execute(&alteration.sql) {
                Ok(()) => {
                    note(altered, alteration);
                    continue;
                }
                Err(Fault::Statement(fault)) => fault,
                Err(fault) => return Err(fault.into_error("altering the table", self.connection())),
            };
            let is_refused = fault.class() == Class::Access;
            match alteration.change {
                _ if fault.is_passing() || fault.is_there() => return Ok(Round::Again),
                // Who may not alter one may alter none of those that follow.
                Change::Widened if is_refused => {
                    narrow.add(&left[at..], &fault.message);
                    return Ok(Round::Done);
                }
                Change::Widened => narrow.add(std::slice::from_ref(alteration), &fault.message),
                Change::Added if is_refused => {
                    return Err(self.not_owner(target, table, &left[at..]).because(fault.message));
                }
                Change::Added => {
                    return Err(fault.into_error("adding a column", &self.connection().to_string()));
                }
            }
        }
        Ok(Round::Done)
    }

    /// Only the owner of a table alters it, and superusers (r_ALTER_TABLE, "Privileges").
    fn not_owner(&self, target: &TargetTable, schema: &Table, left: &[Alteration]) -> Error {
        let added = left.iter().filter(|alteration| alteration.change == Change::Added);
        let names: Vec<String> =
            added.map(|alteration| format!("column {}", shown(&alteration.column))).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        let table = target.qualified();
        Error::schema(format!(
            "{} {are} not in the table {table}, and this user may not add it",
            names.join(", ")
        ))
        .at(self.place_of(target))
        .help(format!(
            "let the table's owner run: {}{}",
            statements(left),
            misfits(target, schema, left)
        ))
    }

    fn place_of(&self, target: &TargetTable) -> Place {
        Place::uri(format!("{}/{}", self.connection(), target.qualified()))
    }
}

/// What else must become of the table, so that its owner is asked once.
fn misfits(target: &TargetTable, schema: &Table, left: &[Alteration]) -> String {
    let header: Vec<String> = schema.columns.keys().cloned().collect();
    let layout = Layout::bind(&header, schema, UnknownColumns::Fail, MissingColumns::Fail);
    let fitted =
        layout.map(|layout| target.altered(left).compare(layout, schema, MissingColumns::Null, Evolve::Add));
    let differences = fitted.map(|fitted| fitted.differences).unwrap_or_default();
    differences
        .iter()
        .filter(|difference| difference.stops)
        .map(|found| format!(" {};", found.help))
        .collect()
}

/// Statements as they can be run, one after the other.
pub(super) fn statements(alterations: &[Alteration]) -> String {
    alterations.iter().map(|alteration| format!("{};", alteration.sql)).collect::<Vec<_>>().join(" ")
}

fn note(altered: &mut Altered, alteration: &Alteration) {
    tracing::info!(column = alteration.column, sql = alteration.sql, "the table was altered");
    let names = match alteration.change {
        Change::Added => &mut altered.added,
        Change::Widened => &mut altered.widened,
    };
    // A schema that moves while it is loaded may widen one twice.
    if !names.contains(&alteration.column) {
        names.push(alteration.column.clone());
    }
}

/// Texts that could not be widened: what is longer is cut or rejected, as ever.
#[derive(Debug, Default)]
struct Narrow {
    left: Vec<Alteration>,
    /// What was said of the first.
    why: String,
}

impl Narrow {
    fn add(&mut self, left: &[Alteration], why: &str) {
        if self.left.is_empty() {
            self.why = cut(why, WHY_CHARS_MAX);
        }
        self.left.extend_from_slice(left);
    }

    fn has(&self, alteration: &Alteration) -> bool {
        self.left.iter().any(|left| left.sql == alteration.sql)
    }

    /// One warning for all of them.
    fn told(&self) -> Option<String> {
        let names: Vec<String> = self.left.iter().map(|alteration| shown(&alteration.column)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "the table is narrower than the texts that the schema lets in, and was not widened ({}): {}; what is \
                 longer is cut or rejected until its owner runs: {}",
                self.why,
                names.join(", "),
                statements(&self.left)
            )
        })
    }
}
