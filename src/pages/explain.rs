//! The exact decoder: walks a faulty block record by record and says what is wrong, and where.
//!
//! It keeps the very rules of the fast path: what it lets pass, the fast path reads.

use super::kind::rule_of;
use super::options::{EmptyStrings, EncodeOptions, Overlong};
use super::text::{form_of, width_of};
use crate::csv::{RawField, RawRecord, raw_records};
use crate::schema::{ColumnType, OutputColumn};
use crate::values::{self, Rule};

/// Characters of a value that a report repeats.
const VALUE_CHARS_MAX: usize = 100;

/// A record that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Records before it; in a row group until the row groups are put in order, then in the file.
    pub records_before: u64,
    /// Newlines before it, likewise.
    pub lines_before: u64,
    /// Offset of the record in the uncompressed CSV.
    pub byte: u64,
    /// The record as it stands in the file, with its newline.
    pub raw: Vec<u8>,
    /// All of its faults.
    pub faults: Vec<Fault>,
}

/// One fault of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The CSV field, from 0; `None` if the record as a whole is at fault.
    pub field: Option<usize>,
    /// Offset of the field in the uncompressed CSV.
    pub byte: u64,
    /// The rule that is broken.
    pub rule: Rule,
    /// The raw field, cut to a readable length.
    pub value: String,
}

/// What must hold of each record.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// For each CSV field the column it fills, if it is not dropped.
    fields: Vec<Option<OutputColumn>>,
    options: EncodeOptions,
}

impl Rules {
    pub(super) fn new(width: usize, columns: &[OutputColumn], options: EncodeOptions) -> Self {
        let mut fields = vec![None; width];
        for column in columns {
            if let Some(slot) = column.field.and_then(|field| fields.get_mut(field)) {
                *slot = Some(column.clone());
            }
        }
        Self { fields, options }
    }

    /// Sorts the records of a block: the sound ones, joined, and the rejects. Ends at the reject number
    /// `rejects_max + 1`: what comes after it is not looked at.
    pub(super) fn sort(&self, records: &[u8], byte: u64, rejects_max: usize) -> (Vec<u8>, Vec<Reject>) {
        let mut sound = Vec::with_capacity(records.len());
        let mut rejects = Vec::new();
        for (i, record) in raw_records(records, self.fields.len()).enumerate() {
            let byte = byte + record.at as u64;
            let faults = self.faults(&record, byte);
            if faults.is_empty() {
                sound.extend_from_slice(record.bytes);
            } else {
                let (records_before, lines_before) = (i as u64, record.lines_before);
                rejects.push(Reject {
                    records_before,
                    lines_before,
                    byte,
                    raw: record.bytes.to_vec(),
                    faults,
                });
                if rejects.len() > rejects_max {
                    break;
                }
            }
        }
        (sound, rejects)
    }

    fn faults(&self, record: &RawRecord<'_>, byte: u64) -> Vec<Fault> {
        let mut faults = Vec::new();
        if record.width != self.fields.len() {
            let value = format!("{} fields, {} in the header", record.width, self.fields.len());
            faults.push(Fault { field: None, byte, rule: Rule::Fields, value });
        }
        // A record of another width cannot be matched to columns: only its form is looked at.
        let matched = faults.is_empty();
        for (i, raw) in record.fields.iter().enumerate() {
            let column = if matched { self.fields[i].as_ref() } else { None };
            if let Err(rule) = self.field(raw, column) {
                let field = matched.then_some(i);
                faults.push(Fault { field, byte: byte + raw.at as u64, rule, value: shown(raw.bytes) });
            }
        }
        faults
    }

    fn field(&self, raw: &RawField<'_>, column: Option<&OutputColumn>) -> Result<(), Rule> {
        let value = raw.value().map_err(rule_of)?;
        let Some(column) = column else { return Ok(()) };
        let folds = self.options.empty_strings == EmptyStrings::Null && column.column_type.is_text();
        match value.filter(|value| !(folds && value.is_empty())) {
            None if column.nullable => Ok(()),
            None => Err(Rule::NotNull),
            Some(value) => self.value(&value, column),
        }
    }

    fn value(&self, value: &[u8], column: &OutputColumn) -> Result<(), Rule> {
        match column.column_type {
            ColumnType::SmallInt => values::small_int(value).map(drop),
            ColumnType::Integer => values::integer(value).map(drop),
            ColumnType::BigInt => values::big_int(value).map(drop),
            ColumnType::Boolean => values::boolean(value).map(drop),
            ColumnType::Decimal { precision, scale } => values::decimal(value, precision, scale).map(drop),
            ColumnType::Real => values::real(value).map(drop),
            ColumnType::Double => values::double(value).map(drop),
            ColumnType::Timestamp => values::timestamp(value).map(drop),
            ColumnType::TimestampTz => values::timestamp_tz(value).map(drop),
            ColumnType::Date => values::date(value).map(drop),
            ColumnType::Uuid | ColumnType::Geography | ColumnType::Text => self.text(value, column),
        }
    }

    fn text(&self, value: &[u8], column: &OutputColumn) -> Result<(), Rule> {
        if let Some(form) = form_of(column.column_type) {
            form(value)?;
        }
        match width_of(column, &self.options) {
            Some(width) if self.options.overlong == Overlong::Reject && !values::fits(value, width) => {
                Err(Rule::Overlong)
            }
            _ => Ok(()),
        }
    }
}

fn shown(raw: &[u8]) -> String {
    // Four bytes a character at most: what lies behind them is not shown anyway.
    let text = String::from_utf8_lossy(&raw[..raw.len().min(4 * VALUE_CHARS_MAX + 4)]);
    let mut shown: String = text.chars().take(VALUE_CHARS_MAX).collect();
    if shown.len() < raw.len() {
        shown.push('…');
    }
    shown
}
