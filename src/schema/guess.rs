//! What a first line is that does not fit: one whose header lacks, another table's, one with another delimiter.

use super::Table;
use super::names::fields_between;
use crate::error::shown;

/// Delimiters that other programs write.
const DELIMITERS: [char; 4] = [';', '\t', '|', '^'];

/// The names of a first line beside the tables that are known.
pub(super) struct FirstLine<'a> {
    fields: &'a [String],
    table: &'a Table,
    others: &'a [Table],
}

/// What is guessed, and what to do then.
pub(super) struct Guess {
    pub(super) what: String,
    pub(super) help: String,
}

impl<'a> FirstLine<'a> {
    pub(super) fn new(fields: &'a [String], table: &'a Table, others: &'a [Table]) -> Self {
        Self { fields, table, others }
    }

    /// How many of its columns the table has.
    pub(super) fn fit(&self) -> usize {
        self.table.columns.keys().filter(|name| self.fields.contains(name)).count()
    }

    /// Whether so many of its fields are names of columns that the others will be names too. If not, they may be
    /// some person's values, which no message repeats.
    pub(super) fn is_header(&self) -> bool {
        self.are_names(self.fields.iter().map(String::as_str))
    }

    /// Whether at least half of these are columns of a known table, give or take their case and white space.
    fn are_names<'f>(&self, fields: impl ExactSizeIterator<Item = &'f str>) -> bool {
        let of = fields.len();
        2 * fields.filter(|field| self.is_name(field)).count() >= of
    }

    fn is_name(&self, field: &str) -> bool {
        let field = field.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let mut tables = std::iter::once(self.table).chain(self.others);
        tables.any(|table| table.columns.keys().any(|name| name.eq_ignore_ascii_case(field)))
    }

    /// What it probably is; nothing if it is a header that fits in part.
    pub(super) fn guess(&self) -> Option<Guess> {
        self.other_table().or_else(|| self.other_delimiter()).or_else(|| self.no_header())
    }

    fn other_table(&self) -> Option<Guess> {
        let fits = |other: &&Table| self.fields.iter().all(|field| other.columns.contains_key(field));
        if fits(&self.table) {
            return None;
        }
        // Of several the one that has least besides.
        let other = self.others.iter().filter(fits).min_by_key(|other| other.columns.len())?;
        let name = shown(&other.name);
        Some(Guess {
            what: format!("it fits table {name}"),
            help: format!("check that this is an export of {}, not of {name}", shown(&self.table.name)),
        })
    }

    fn other_delimiter(&self) -> Option<Guess> {
        let [line] = self.fields else { return None };
        let delimiter = DELIMITERS.into_iter().find(|&delimiter| {
            let fields = fields_between(line, delimiter);
            fields.len() > 1 && self.are_names(fields.into_iter())
        })?;
        Some(Guess {
            what: format!("another delimiter? {delimiter:?} stands between its names"),
            help: "export the table with commas between the fields".to_owned(),
        })
    }

    fn no_header(&self) -> Option<Guess> {
        (!self.is_header()).then(|| Guess {
            what: "no header line?".to_owned(),
            help: "check that the first line names the columns, and that this is an export of this table"
                .to_owned(),
        })
    }
}
