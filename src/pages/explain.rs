//! The exact decoder: walks a faulty block record by record and says what is wrong, and where.
//!
//! It keeps the very rules of the fast path: what it lets pass, the fast path reads.

use super::kind::rule_of;
use super::options::{EmptyStrings, EncodeOptions};
use super::rejects::{Fault, PackedReject, Reject};
use super::text::{cuts, form_of, width_of};
use crate::csv::{LineEnd, RawField, RawRecord, raw_records};
use crate::error::cut;
use crate::schema::{ColumnType, OutputColumn};
use crate::values::{self, Rule};

/// Characters of a value that a report repeats.
const VALUE_CHARS_MAX: usize = 100;

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

    /// Sorts the records of a block: gives the sound ones, joined, and hands the others to `reject`. Ends at the
    /// reject number `rejects_max + 1`: what comes after it is not looked at.
    pub(super) fn sort(
        &self,
        records: &[u8],
        rejects_max: usize,
        mut reject: impl FnMut(u64, &RawRecord<'_>),
    ) -> Vec<u8> {
        let mut sound = Vec::with_capacity(records.len());
        let mut rejects = 0;
        for (i, record) in raw_records(records, self.options.line_end, self.fields.len()).enumerate() {
            if self.faults(&record, 0).is_empty() {
                sound.extend_from_slice(record.bytes);
                continue;
            }
            reject(i as u64, &record);
            rejects += 1;
            if rejects > rejects_max {
                break;
            }
        }
        sound
    }

    /// What is wrong with a reject.
    pub(super) fn explain(&self, reject: PackedReject<'_>) -> Reject {
        let PackedReject { records_before, lines_before, byte, raw } = reject;
        let record = raw_records(raw, self.options.line_end, self.fields.len()).next();
        let faults = record.map(|record| self.faults(&record, byte)).unwrap_or_default();
        Reject { records_before, lines_before, byte, raw: raw.to_vec(), faults }
    }

    fn faults(&self, record: &RawRecord<'_>, byte: u64) -> Vec<Fault> {
        let mut faults = Vec::new();
        if record.width != self.fields.len() {
            let value = format!("{} fields, {} in the header", record.width, self.fields.len());
            faults.push(Fault { field: None, byte, rule: Rule::Fields, value });
        }
        if self.options.line_end == LineEnd::CrLf && LineEnd::of(record.bytes) == LineEnd::Lf {
            let value = "a newline alone ends the record".to_owned();
            faults.push(Fault { field: None, byte, rule: Rule::Newline, value });
        }
        // A record of another width cannot be matched to columns: only its form is looked at.
        let matched = record.width == self.fields.len();
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
            ColumnType::Uuid | ColumnType::Geography | ColumnType::Structured | ColumnType::Text => {
                self.text(value, column)
            }
        }
    }

    fn text(&self, value: &[u8], column: &OutputColumn) -> Result<(), Rule> {
        if let Some(form) = form_of(column.column_type) {
            form(value)?;
        }
        match width_of(column, &self.options) {
            Some(width) if !cuts(column, &self.options) && !values::fits(value, width) => Err(Rule::Overlong),
            _ => Ok(()),
        }
    }
}

fn shown(raw: &[u8]) -> String {
    // Four bytes a character at most: what lies behind them is not shown anyway.
    cut(&String::from_utf8_lossy(&raw[..raw.len().min(4 * VALUE_CHARS_MAX + 4)]), VALUE_CHARS_MAX)
}
