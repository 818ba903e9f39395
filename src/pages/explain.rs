//! The exact decoder: walks a faulty block record by record and says what is wrong, and where.
//!
//! It keeps the very rules of the fast path: what it lets pass, the fast path reads.

use super::kind::rule_of;
use super::made::masked;
use super::options::{EmptyStrings, EncodeOptions};
use super::rejects::{Fault, PackedReject, Reject};
use super::text_fields::{cuts, form_of, width_of};
use crate::csv::{LineEnd, RawField, RawRecord, raw_records};
use crate::error::cut;
use crate::privacy::{MarkedField, Transform};
use crate::schema::{COLUMNS_MAX, ColumnType, Layout, OutputColumn};
use crate::values::{self, Rule};

/// Characters of a value that a report repeats.
const VALUE_CHARS_MAX: usize = 100;

/// What must hold of each record.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// For each CSV field the column it fills, if it is not dropped.
    fields: Vec<Option<OutputColumn>>,
    /// For each CSV field what may be written of it, if not what it holds.
    masks: Vec<Option<Transform>>,
    erased: Vec<MarkedField>,
    options: EncodeOptions,
}

/// The records of a block without those that are rejected.
pub(super) struct Sorted {
    /// The sound ones, joined.
    pub(super) sound: Vec<u8>,
    /// How many were left out because whose they are was erased.
    pub(super) erased: u64,
}

impl Rules {
    pub(super) fn new(layout: &Layout, options: EncodeOptions) -> Self {
        let mut fields = vec![None; layout.fields];
        for column in &layout.columns {
            if let Some(slot) = column.field.and_then(|field| fields.get_mut(field)) {
                *slot = Some(column.clone());
            }
        }
        Self { fields, masks: layout.masks.clone(), erased: layout.erased.clone(), options }
    }

    /// Sorts the records of a block: gives the sound ones, joined, and hands those with faults to `reject`. Ends at
    /// the reject number `rejects_max + 1`: what comes after it is not looked at.
    pub(super) fn sort(
        &self,
        records: &[u8],
        rejects_max: usize,
        mut reject: impl FnMut(u64, &RawRecord<'_>),
    ) -> Sorted {
        let mut sound = Vec::with_capacity(records.len());
        let (mut rejects, mut erased) = (0, 0);
        // One comma too many moves theirs behind the last field.
        let fields_max = if self.erased.is_empty() { self.fields.len() } else { COLUMNS_MAX };
        for (i, record) in raw_records(records, self.options.line_end, fields_max).enumerate() {
            if self.is_erased(&record) {
                erased += 1;
                continue;
            }
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
        Sorted { sound, erased }
    }

    /// Whether the record is somebody's who was erased, as far as a field stands where theirs does; in one of another
    /// width it may be any field. Nothing of it goes on, not even what is wrong with it.
    fn is_erased(&self, record: &RawRecord<'_>) -> bool {
        let matched = record.width == self.fields.len();
        self.erased.iter().any(|MarkedField { at, marked }| {
            let mut fields = record.fields.iter().enumerate().filter(|(i, _)| !matched || i == at);
            fields.any(|(_, field)| field.value().ok().flatten().is_some_and(|value| marked.has(&value)))
        })
    }

    /// What is wrong with a reject.
    pub(super) fn explain(&self, reject: PackedReject<'_>) -> Reject {
        let PackedReject { records_before, lines_before, byte, raw } = reject;
        let record = raw_records(raw, self.options.line_end, self.fields.len()).next();
        let faults = record.as_ref().map(|record| self.faults(record, byte)).unwrap_or_default();
        let raw = record
            .map_or_else(|| raw.to_vec(), |record| masked(&record, &self.masks, self.options.empty_strings));
        Reject { records_before, lines_before, byte, raw, faults }
    }

    fn faults(&self, record: &RawRecord<'_>, byte: u64) -> Vec<Fault> {
        let mut faults = Vec::new();
        if record.width != self.fields.len() {
            let value = format!("{} fields, {} in the header", record.width, self.fields.len());
            faults.push(of_record(record, byte, Rule::Fields, value));
        }
        if self.options.line_end == LineEnd::CrLf && LineEnd::of(record.bytes) == LineEnd::Lf {
            let value = "a newline alone ends the record".to_owned();
            faults.push(of_record(record, byte, Rule::Newline, value));
        }
        // A record of another width cannot be matched to columns: only its form is looked at, and what may be hidden is.
        let matched = record.width == self.fields.len();
        let hides = |field: usize| match matched {
            true => self.masks.get(field).is_some_and(Option::is_some),
            false => self.masks.iter().any(Option::is_some),
        };
        for (i, raw) in record.fields.iter().enumerate() {
            let column = if matched { self.fields[i].as_ref() } else { None };
            if let Err(rule) = self.field(raw, column) {
                let field = matched.then_some(i);
                let value = (!hides(i)).then(|| shown(raw.bytes));
                let (byte, value_bytes) = (byte + raw.at as u64, raw.bytes.len() as u64);
                faults.push(Fault { field, byte, rule, value, value_bytes });
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
            Some(value) => match &column.transform {
                None => self.value(&value, column),
                Some(transform) => {
                    let mut made = Vec::new();
                    if transform.append(&value, &mut made) { self.value(&made, column) } else { Ok(()) }
                }
            },
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
        if let Some(form) = form_of(column) {
            form.check(value)?;
        }
        match width_of(column, &self.options) {
            Some(width) if !cuts(column, &self.options) && !values::fits(value, width) => Err(Rule::Overlong),
            _ => Ok(()),
        }
    }
}

/// What is wrong with a record as a whole, which holds nothing of its fields.
fn of_record(record: &RawRecord<'_>, byte: u64, rule: Rule, what: String) -> Fault {
    Fault { field: None, byte, rule, value: Some(what), value_bytes: record.bytes.len() as u64 }
}

fn shown(raw: &[u8]) -> String {
    // Four bytes a character at most: what lies behind them is not shown anyway.
    cut(&String::from_utf8_lossy(&raw[..raw.len().min(4 * VALUE_CHARS_MAX + 4)]), VALUE_CHARS_MAX)
}
