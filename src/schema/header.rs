//! Binds a file's header to a table: what each field of a record becomes.
//!
//! ```text
//! header   id, email, extra          table   id, email, score
//!          │   │      └ unknown: a fault, or dropped     └ missing: a fault, or NULL
//!          ▼   ▼
//! layout   id, email, score(NULL)
//! ```

use super::guess::FirstLine;
use super::names::{SHOWN_NAMES_MAX, listed};
use super::types::NUMERIC_MEND;
use super::{COLUMNS_MAX, Column, ColumnType, Table, Width};
use crate::error::{Error, Result, shown};
use crate::names::nearest;
use crate::privacy::{MarkedField, Policy, Rule, Transform};
use indexmap::IndexMap;

/// What to do with a field that the schema has no column for.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    schemars::JsonSchema,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum UnknownColumns {
    /// Refuse the file.
    #[default]
    #[serde(rename = "refuse", alias = "fail")]
    #[value(alias = "refuse")]
    Fail,
    /// Leave the field out.
    Drop,
}

/// What to do with a column that the file has no field for.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    schemars::JsonSchema,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MissingColumns {
    /// Refuse the file.
    #[default]
    #[serde(rename = "refuse", alias = "fail")]
    #[value(alias = "refuse")]
    Fail,
    /// Fill the column with NULL.
    Null,
}

/// The error for a header of more fields than [`COLUMNS_MAX`].
pub fn too_wide(fields: usize) -> Error {
    Error::schema(format!("the header has {fields} fields, more than the {COLUMNS_MAX} a table can have"))
        .help("check that the file is a comma-separated export with a header")
}

/// What each field of a record becomes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Layout {
    /// Fields that every record must have.
    pub fields: usize,
    /// Columns that are written: those of the file in its order, then the missing ones in the schema's.
    pub columns: Vec<OutputColumn>,
    /// Fields that are left out, in the file's order: the schema lacks them, or a rule of privacy drops them.
    pub dropped: Vec<String>,
    /// Columns of the table that a rule of privacy drops, whether the file has them or not.
    pub hidden: Vec<String>,
    /// For each field what may be written of it, where a rule of privacy says so; none: what it holds.
    pub masks: Vec<Option<Transform>>,
    /// Fields by which records are known that are left out, because whose they are was erased.
    #[serde(skip)]
    pub erased: Vec<MarkedField>,
    /// What was let pass, for people.
    pub warnings: Vec<String>,
}

/// One column that is written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OutputColumn {
    /// Name, as the schema has it.
    pub name: String,
    /// Type that the fields are decoded to.
    pub column_type: ColumnType,
    /// Whether NULL is allowed; always for a missing column that is filled with it.
    pub nullable: bool,
    /// The widest value it takes, if there is a limit.
    pub width: Option<Width>,
    /// Index of the field; none for a missing column, which is all NULL.
    pub field: Option<usize>,
    /// What its values become; none: they stay.
    pub transform: Option<Transform>,
    /// The rule of privacy that it has, whether it was applied here or before.
    pub privacy: Rule,
}

/// What binding a header has to go by, besides the table.
#[derive(Debug, Clone, Copy, Default)]
pub struct BindOptions<'a> {
    /// Fields that the schema has no column for.
    pub unknown: UnknownColumns,
    /// Columns that the file has no field for.
    pub missing: MissingColumns,
    /// Which columns are hidden, and how; none: none is.
    pub policy: Option<&'a Policy>,
    /// Other tables of the schema: a header that fits one of them is told so.
    pub others: &'a [Table],
}

impl Layout {
    /// Binds the header's names, unescaped, to the table.
    ///
    /// # Errors
    /// [`Error::Schema`] that names every unknown, missing, duplicate or empty column and every column
    /// whose type cannot be held, all at once.
    pub fn bind(
        header: &[String],
        table: &Table,
        unknown: UnknownColumns,
        missing: MissingColumns,
    ) -> Result<Self> {
        Self::bind_by(header, table, &BindOptions { unknown, missing, ..BindOptions::default() })
    }

    /// The same by more options.
    ///
    /// # Errors
    /// Those of [`Layout::bind`], and [`Error::Usage`] for a rule of privacy that a column cannot have.
    pub fn bind_by(header: &[String], table: &Table, options: &BindOptions<'_>) -> Result<Self> {
        if header.len() > COLUMNS_MAX {
            return Err(too_wide(header.len()));
        }
        let plain = Policy::default();
        let policy = options.policy.unwrap_or(&plain);
        let view = table.under(policy.rules())?;
        if view.columns.is_empty() && !table.columns.is_empty() {
            let what = format!("the rules of privacy leave no column of {}", shown(&table.name));
            return Err(
                Error::usage(what).help("name in [privacy.columns] what may stay, or leave the table out")
            );
        }
        let first_line = FirstLine::new(header, table, options.others);
        let mut binding = Binding::new(table, &view, policy, header.len(), first_line.is_header());
        let fields = binding.fields_by_name(header);
        for (name, &at) in &fields {
            binding.bind_field(name, at, options.unknown);
        }
        for (name, column) in &table.columns {
            let is_there = |name: &str| fields.contains_key(name);
            let masked = || policy.decide(&table.name, name).rule.masked_name(name);
            if !is_there(name) && !is_there(&masked()) {
                binding.bind_missing(name, column, options.missing);
            }
        }
        binding.finish(header.len(), &first_line)
    }
}

impl Layout {
    /// The same with these of its columns alone; what is said of the others goes. Records have the fields they had.
    #[must_use]
    pub fn only(&self, columns: &[usize]) -> Self {
        let columns = columns.iter().filter_map(|&at| self.columns.get(at).cloned()).collect();
        Self { columns, ..self.clone() }
    }
}

/// A layout on its way, and the faults found so far.
struct Binding<'a> {
    table: &'a Table,
    /// The table as the rules of privacy leave it.
    view: &'a Table,
    policy: &'a Policy,
    masks: Vec<Option<Transform>>,
    /// Whether the fields may be repeated: they are names, and not values.
    quotes: bool,
    /// Whether any field is of a column that the rules leave.
    is_of_table: bool,
    columns: Vec<OutputColumn>,
    dropped: Vec<String>,
    warnings: Vec<String>,
    empty: Vec<String>,
    duplicate: Vec<String>,
    unknown: Vec<String>,
    missing: Vec<String>,
    untyped: Vec<String>,
}

impl<'a> Binding<'a> {
    fn new(table: &'a Table, view: &'a Table, policy: &'a Policy, fields: usize, quotes: bool) -> Self {
        Self {
            table,
            view,
            policy,
            masks: vec![None; fields],
            quotes,
            is_of_table: false,
            columns: Vec::new(),
            dropped: Vec::new(),
            warnings: Vec::new(),
            empty: Vec::new(),
            duplicate: Vec::new(),
            unknown: Vec::new(),
            missing: Vec::new(),
            untyped: Vec::new(),
        }
    }

    /// The first field of each name; empty names and repetitions are faults.
    fn fields_by_name<'h>(&mut self, header: &'h [String]) -> IndexMap<&'h str, usize> {
        let mut fields = IndexMap::with_capacity(header.len());
        for (at, name) in header.iter().enumerate() {
            if name.is_empty() {
                self.empty.push((at + 1).to_string());
            } else if let Some(first) = fields.get(name.as_str()) {
                let name = if self.quotes { shown(name) + " " } else { String::new() };
                self.duplicate.push(format!("{name}(fields {} and {})", first + 1, at + 1));
            } else {
                fields.insert(name.as_str(), at);
            }
        }
        fields
    }

    fn bind_field(&mut self, name: &str, at: usize, unknown: UnknownColumns) {
        match (self.table.columns.get(name), unknown) {
            (Some(column), _) => self.bind_column(name, column, at),
            (None, _) if self.is_masked(name) => self.bind_masked(name, at),
            (None, UnknownColumns::Drop) => {
                let rule = self.rule(name);
                self.masks[at] = rule.hides().then(|| self.policy.mask(rule));
                let (told, name) = match self.quotes {
                    true => (format!("column {}", shown(name)), name.to_owned()),
                    false => (format!("field {}", at + 1), format!("field {}", at + 1)),
                };
                self.dropped.push(name);
                self.warnings.push(format!("{told} is not in the schema and is dropped"));
            }
            (None, UnknownColumns::Fail) if !self.quotes => self.unknown.push(format!("field {}", at + 1)),
            (None, UnknownColumns::Fail) => {
                // No hint for what is not listed: it takes longer than all the rest.
                let near = if self.unknown.len() < SHOWN_NAMES_MAX { self.near(name) } else { None };
                let hint = near.map(|near| format!(" (near: {near})")).unwrap_or_default();
                self.unknown.push(format!("{}{hint}", shown(name)));
            }
        }
    }

    fn rule(&self, column: &str) -> Rule {
        self.policy.decide(&self.table.name, column).rule
    }

    /// A column of the schema: as it is, or as its rule of privacy leaves it.
    fn bind_column(&mut self, name: &str, column: &Column, at: usize) {
        let rule = self.rule(name);
        self.is_of_table |= self.view.columns.contains_key(name);
        if rule == Rule::Keep {
            return self.push(name, column, Some(at), None);
        }
        self.masks[at] = Some(self.policy.mask(rule));
        match self.view.columns.get(name) {
            None => self.dropped.push(name.to_owned()),
            Some(_) if rule == Rule::Null => self.push(name, column, None, None),
            Some(view) => self.push(name, view, Some(at), Some(self.policy.mask(rule))),
        }
    }

    /// Whether a field holds what a rule made of a column before, as in a file of rejects.
    fn is_masked(&self, name: &str) -> bool {
        self.unmasked(name).is_some()
    }

    fn unmasked(&self, name: &str) -> Option<(&'a String, &'a Column)> {
        // The rule may hold a colon too: `postcode:prefix:4`.
        name.match_indices(':').find_map(|(at, _)| {
            let found = self.view.columns.get_key_value(&name[..at])?;
            (self.rule(found.0).masked_name(found.0) == name).then_some(found)
        })
    }

    fn bind_masked(&mut self, name: &str, at: usize) {
        if let Some((name, view)) = self.unmasked(name) {
            self.is_of_table = true;
            self.masks[at] = Some(Transform::made(self.rule(name)));
            self.push(name, view, Some(at), None);
        }
    }

    fn bind_missing(&mut self, name: &str, column: &Column, missing: MissingColumns) {
        match (self.rule(name), self.view.columns.get(name)) {
            (_, None) => return,
            (Rule::Null, _) => return self.push(name, column, None, None),
            _ => {}
        }
        let column = self.view.columns.get(name).unwrap_or(column);
        match missing {
            MissingColumns::Fail => self.missing.push(shown(name)),
            MissingColumns::Null => {
                let against = if column.nullable { "" } else { ", though the schema does not allow it" };
                self.warnings.push(format!(
                    "column {} is not in the file and is filled with NULL{against}",
                    shown(name)
                ));
                self.push(name, column, None, None);
            }
        }
    }

    fn push(&mut self, name: &str, column: &Column, field: Option<usize>, transform: Option<Transform>) {
        if self.columns.iter().any(|known| known.name == name) {
            // As it is, and as a rule has made it before.
            self.duplicate.push(shown(name));
        }
        match ColumnType::of(column) {
            Ok((column_type, warning)) => {
                self.warnings.extend(warning.map(|warning| format!("column {}: {warning}", shown(name))));
                self.columns.push(OutputColumn {
                    name: name.to_owned(),
                    column_type,
                    nullable: column.nullable || field.is_none(),
                    width: column.width(),
                    field,
                    transform,
                    privacy: self.rule(name),
                });
            }
            Err(error) => self.untyped.push(format!("column {}: {error}", shown(name))),
        }
    }

    fn near(&self, name: &str) -> Option<String> {
        let near = nearest(name, self.table.columns.keys().map(String::as_str));
        near.first().copied().map(shown)
    }

    fn finish(self, fields: usize, first_line: &FirstLine<'_>) -> Result<Layout> {
        let (mut faults, mut advice) = (Vec::new(), Vec::new());
        let mut add = |names: &[String], label: &str, help: &str| {
            if !names.is_empty() {
                faults.push(format!("{label} {}", listed(names)));
                advice.push(help.to_owned());
            }
        };
        add(&self.empty, "no name in field", "give every field of the header a name");
        add(&self.duplicate, "duplicate column", "export the table with each column once");
        add(&self.unknown, "not in the schema:", "leave unknown columns out with --unknown-columns drop");
        add(&self.missing, "not in the file:", "fill missing columns with --missing-columns null");
        add(&self.untyped, "no exact type for", NUMERIC_MEND);
        if faults.is_empty() && !self.is_of_table {
            faults.push("none of its columns is in the schema".to_owned());
        }
        if faults.is_empty() {
            let Self { table, view, columns, dropped, masks, warnings, .. } = self;
            let hidden =
                table.columns.keys().filter(|name| !view.columns.contains_key(*name)).cloned().collect();
            return Ok(Layout { fields, columns, dropped, hidden, masks, erased: Vec::new(), warnings });
        }
        if !self.unknown.is_empty() || !self.missing.is_empty() {
            advice.push("`csl-stream schema diff` shows whether the schema has moved".to_owned());
        }
        faults.insert(0, format!("{} of {fields} columns fit", first_line.fit()));
        if let Some(guess) = first_line.guess() {
            faults.insert(1, guess.what);
            // Whoever left columns out, or filled them, would load nothing of this file.
            advice = vec![guess.help];
        }
        if advice.is_empty() {
            advice.push("check that the file is an export of this table, with a header".to_owned());
        }
        let table = shown(&self.table.name);
        let what = format!("the header does not fit the schema of {table}: {}", faults.join("; "));
        Err(Error::schema(what).help(advice.join("; ")))
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
