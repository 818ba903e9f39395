//! What the files of a local table hold, summed up in one pass by all cores.
//!
//! ```text
//! files of the full export ─▶ row groups ─▶ one a thread: column chunk ─▶ Measure ─▶ added up in order
//! ```

use super::holding::{Held, Holding, Scope};
use super::parquet_file::{batches, guarded, open};
use super::rewritten::number_of;
use super::snapshot::Snapshot;
use super::types::Type;
use crate::error::Result;
use crate::ledger::{Part, PartFile};
use crate::report::ColumnReport;
use crate::store::ExportKind;
use crate::values::{Form, Measure, Numbers, SUM_DIGITS_MAX, float_summed};
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

impl Holding for Snapshot {
    fn holds(&self, load_id: &str) -> Result<bool> {
        Ok(self.entry.full().is_some_and(|part| part.load_id == load_id))
    }

    fn sum_up(&self, scope: &Scope<'_>) -> Result<Held> {
        let files = self.entry.files();
        let part = self.part(scope);
        let looked_at: Vec<(&PartFile, Range<u64>)> = match part {
            Some(part) => {
                let slices = self.entry.slices().into_iter().filter(|slice| slice.part == part);
                slices.map(|slice| (&files[slice.file], slice.rows)).collect()
            }
            None => files.iter().map(|file| (file, 0..file.rows)).collect(),
        };
        let rows: u64 = looked_at.iter().map(|(_, rows)| rows.end - rows.start).sum();
        let later = self.entry.rows_in_table() - rows;
        let columns = sum_up(self.dir(), &looked_at, scope.hashes)?;
        Ok(Held { rows, later, columns, notes: Vec::new() })
    }
}

impl Snapshot {
    /// The load that brought the rows: that of the export that is asked for, or the full one. None if all rows are
    /// meant, because there is no full one.
    fn part(&self, scope: &Scope<'_>) -> Option<usize> {
        let parts = &self.entry.parts;
        let is_meant = |part: &&Part| match scope.load_id {
            Some(id) => part.load_id == id,
            None => part.source.same_as(scope.source),
        };
        let is_full = |part: &Part| part.kind == ExportKind::Full;
        parts.iter().position(|part| is_meant(&part)).or_else(|| parts.iter().position(is_full))
    }
}

/// Rows of a row group of a file.
struct Unit {
    path: PathBuf,
    group: usize,
    rows: Range<usize>,
}

/// The columns of all files, those that a file lacks NULL there.
fn sum_up(dir: &Path, files: &[(&PartFile, Range<u64>)], hashes: bool) -> Result<Vec<ColumnReport>> {
    let mut units = Vec::new();
    for (file, rows) in files {
        let path = dir.join(&file.name);
        let before = units.len();
        let reader = open(&path)?;
        let mut first = 0;
        for (group, metadata) in reader.metadata().row_groups().iter().enumerate() {
            let next = first + u64::try_from(metadata.num_rows()).unwrap_or(0);
            let within = |row: u64| usize::try_from(row.clamp(first, next) - first).unwrap_or(0);
            let rows = within(rows.start)..within(rows.end);
            if !rows.is_empty() {
                units.push(Unit { path: path.clone(), group, rows });
            }
            first = next;
        }
        // A table without rows has columns all the same.
        if units.len() == before {
            units.push(Unit { path, group: 0, rows: 0..0 });
        }
    }
    let mut columns: Vec<(String, Form, Measure)> = Vec::new();
    let mut rows_before = 0;
    for summed in in_turns(&units, |unit| measure(unit, hashes))? {
        let Summed { rows, columns: found } = summed;
        let mut absent: Vec<usize> = (0..columns.len()).collect();
        for (name, form, measure) in found {
            match columns.iter().position(|(known, ..)| *known == name) {
                Some(at) => {
                    columns[at].2.add(&measure);
                    absent.retain(|&other| other != at);
                }
                None => {
                    let mut all = Measure { nulls: rows_before, ..Measure::default() };
                    all.add(&measure);
                    columns.push((name, form, all));
                }
            }
        }
        absent.into_iter().for_each(|at| columns[at].2.nulls += rows);
        rows_before += rows;
    }
    Ok(columns.iter().map(|(name, form, measure)| ColumnReport::of(name, *form, measure)).collect())
}

/// Does each piece of work once, on all cores; the results are in the order of the work.
fn in_turns<W: Sync, R: Send>(work: &[W], each: impl Fn(&W) -> Result<R> + Sync) -> Result<Vec<R>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(work.len().max(1));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(work.len())));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, piece)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, work.get(at)?)))
                {
                    let result = each(piece);
                    if result.is_err() {
                        next.store(work.len(), Ordering::Relaxed);
                    }
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The columns of a row group.
struct Summed {
    rows: u64,
    columns: Vec<(String, Form, Measure)>,
}

fn measure(unit: &Unit, hashes: bool) -> Result<Summed> {
    let Unit { path, group, rows } = unit;
    let reader: SerializedFileReader<File> = open(path)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let is_empty = *group >= reader.num_row_groups();
    let group = (!is_empty).then(|| guarded(path, None, || reader.get_row_group(*group))).transpose()?;
    let mut summed = Summed { rows: rows.len() as u64, columns: Vec::with_capacity(schema.num_columns()) };
    for (index, column) in schema.columns().iter().enumerate() {
        let form = form_of(&Type::of(column));
        let measure = match &group {
            Some(group) => {
                guarded(path, Some(column.name()), || chunk((&**group, rows), index, form, hashes))?
            }
            None => Measure::default(),
        };
        summed.columns.push((column.name().to_owned(), form, measure));
    }
    Ok(summed)
}

fn form_of(its: &Type) -> Form {
    match its {
        Type::Boolean => Form::Boolean,
        Type::Smallint | Type::Integer | Type::Bigint => Form::Integer,
        Type::Real | Type::Double => Form::Float,
        Type::Decimal { scale, .. } => Form::Decimal(u8::try_from(*scale).unwrap_or(u8::MAX)),
        Type::Date => Form::Date,
        Type::Timestamp => Form::Timestamp,
        Type::TimestampUtc => Form::TimestampTz,
        Type::Text | Type::Other(_) => Form::Text,
    }
}

/// Whether the sum of a column is one that is kept.
fn is_summed(its: &Type) -> bool {
    !matches!(its, Type::Decimal { precision, .. } if *precision > u32::from(SUM_DIGITS_MAX))
}

/// Reads a column chunk and sums it up.
fn chunk(
    (group, rows): (&dyn RowGroupReader, &Range<usize>),
    index: usize,
    form: Form,
    hashes: bool,
) -> Result<Measure, ParquetError> {
    let column = group.metadata().column(index).column_descr_ptr();
    let is_known = !matches!(Type::of(&column), Type::Other(_));
    let summed = is_summed(&Type::of(&column));
    let mut measure = Measure::default();
    measure.texts.hashes = (hashes && form == Form::Text).then_some(0);
    macro_rules! each {
        ($reader:expr, $values:ident => $numbers:expr) => {
            batches($reader, rows.clone(), |records, _, $values| {
                let numbers = $numbers;
                let nulls = (records - $values.len()) as u64;
                measure.add(&Measure { nulls, numbers, ..Measure::default() });
                Ok(())
            })
        };
    }
    match group.get_column_reader(index)? {
        ColumnReader::BoolColumnReader(reader) => {
            each!(reader, values => exact(values.iter().map(|&value| value.into()), true))
        }
        ColumnReader::Int32ColumnReader(reader) if is_known => {
            each!(reader, values => exact(values.iter().map(|&value| value.into()), true))
        }
        ColumnReader::Int64ColumnReader(reader) if is_known => {
            each!(reader, values => exact(values.iter().map(|&value| value.into()), true))
        }
        ColumnReader::FloatColumnReader(reader) => {
            each!(reader, values => float(values.iter().map(|&value| value.into())))
        }
        ColumnReader::DoubleColumnReader(reader) => each!(reader, values => float(values.iter().copied())),
        ColumnReader::FixedLenByteArrayColumnReader(reader) if is_known => {
            each!(reader, values => exact(values.iter().map(|value| number_of(value.data())), summed))
        }
        ColumnReader::ByteArrayColumnReader(reader) => batches(reader, rows.clone(), |records, _, values| {
            measure.nulls += (records - values.len()) as u64;
            values.iter().for_each(|value| measure.texts.push(value.data()));
            Ok(())
        }),
        ColumnReader::Int32ColumnReader(reader) => each!(reader, values => None),
        ColumnReader::Int64ColumnReader(reader) => each!(reader, values => None),
        ColumnReader::Int96ColumnReader(reader) => each!(reader, values => None),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => each!(reader, values => None),
    }?;
    Ok(measure)
}

/// Sums up numbers that are exact; `summed` says whether their sum is one of those that are kept.
fn exact(values: impl Iterator<Item = i128>, summed: bool) -> Option<Numbers> {
    let mut numbers = None;
    for value in values {
        let (min, max, sum) = numbers.unwrap_or((value, value, 0));
        numbers = Some((value.min(min), value.max(max), if summed { sum + value } else { 0 }));
    }
    numbers.map(|(min, max, sum)| Numbers::Exact { min, max, sum: summed.then_some(sum) })
}

fn float(values: impl Iterator<Item = f64>) -> Option<Numbers> {
    let mut numbers = None;
    for value in values {
        let (min, max, sum) = numbers.unwrap_or((value, value, 0.0));
        numbers = Some((value.min(min), value.max(max), sum + float_summed(value)));
    }
    numbers.map(|(min, max, sum)| Numbers::Float { min, max, sum })
}
