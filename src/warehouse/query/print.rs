//! Results on paper, batch by batch. NULL and the empty string differ in every format.

use super::fault::describe;
use super::times::written;
use crate::error::{Error, Result};
use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches_with_options;
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

/// Rows that a table shows: the widths of its columns are known only when all of them are in memory.
pub const TABLE_ROWS_MAX: usize = 1_000;

/// What was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printed {
    /// Rows on paper.
    pub rows: u64,
    /// Whether the result has more, which the reader should be told of.
    pub cut: bool,
}

pub(super) async fn table(
    mut stream: SendableRecordBatchStream,
    rows_max: usize,
    out: &mut dyn Write,
) -> Result<Printed> {
    // An empty batch first, for the header of an empty result.
    let mut shown = vec![RecordBatch::new_empty(stream.schema())];
    let (mut rows, mut cut) = (0, false);
    while let Some(batch) = stream.try_next().await.map_err(|error| describe(&error, &[]))? {
        let room = rows_max - rows;
        cut = batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        rows += batch.num_rows();
        shown.push(batch);
        if cut {
            break;
        }
    }
    let shown = shown.iter().map(|batch| Ok(told_apart(&written(batch, false)?)));
    let shown = shown.collect::<Result<Vec<_>>>()?;
    let text = grid(&shown).map_err(|cause| Error::machine("cannot lay out the table").because(cause))?;
    finish(writeln!(out, "{text}").and_then(|()| out.flush()), Printed { rows: rows as u64, cut })
}

/// How NULL is written in a grid.
const NULL: &str = "NULL";

/// The batch with a text that reads like NULL between quotes, and one that reads like that between further ones: what
/// stands there without quotes is NULL.
fn told_apart(batch: &RecordBatch) -> RecordBatch {
    let is_text = |field: &FieldRef| {
        matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    };
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let text = is_text(field).then(|| cast(column, &DataType::Utf8).ok()).flatten()?;
        let texts = text.as_string::<i32>();
        let is_like_null = |text: &str| text.trim_matches('\'') == NULL;
        if !texts.iter().flatten().any(is_like_null) {
            return None;
        }
        let apart = |text: &str| if is_like_null(text) { format!("'{text}'") } else { text.to_owned() };
        Some(Arc::new(texts.iter().map(|text| text.map(apart)).collect::<StringArray>()) as ArrayRef)
    });
    let columns: Vec<_> =
        columns.zip(batch.columns()).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true)).collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &rows)
        .unwrap_or_else(|_| batch.clone())
}

fn grid(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let options = like_exports().with_null(NULL);
    Ok(pretty_format_batches_with_options(batches, &options)?.to_string())
}

/// What cannot be written is an error, and no cell that says so.
fn like_exports<'a>() -> FormatOptions<'a> {
    FormatOptions::new().with_display_error(false)
}

pub(super) async fn csv(mut stream: SendableRecordBatchStream, out: &mut dyn Write) -> Result<Printed> {
    let mut out = BufWriter::new(out);
    let names: Vec<String> = stream.schema().fields().iter().map(|field| quoted(field.name())).collect();
    let mut printed = Printed { rows: 0, cut: false };
    if let Err(cause) = writeln!(out, "{}", names.join(",")) {
        return finish(Err(cause), printed);
    }
    while let Some(batch) = stream.try_next().await.map_err(|error| describe(&error, &[]))? {
        let text = csv_text(&written(&batch, false)?)
            .map_err(|cause| Error::machine("cannot print a value").because(cause))?;
        if let Err(cause) = out.write_all(text.as_bytes()) {
            return finish(Err(cause), printed);
        }
        printed.rows += batch.num_rows() as u64;
    }
    finish(out.flush(), printed)
}

fn csv_text(batch: &RecordBatch) -> Result<String, ArrowError> {
    let options = like_exports();
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
    // A column of nothing but NULL has no bitmap: only its logical nulls tell.
    let nulls: Vec<_> = batch.columns().iter().map(|column| column.logical_nulls()).collect();
    let (mut text, mut value) = (String::new(), String::new());
    for row in 0..batch.num_rows() {
        for (number, (nulls, formatter)) in nulls.iter().zip(&columns).enumerate() {
            if number > 0 {
                text.push(',');
            }
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                value.clear();
                write!(value, "{}", formatter.value(row).try_to_string()?)
                    .map_err(|cause| ArrowError::ExternalError(Box::new(cause)))?;
                text.push_str(&quoted(&value));
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// A field as PostgreSQL writes it; an empty one would be NULL without its quotes.
fn quoted(value: &str) -> String {
    if !value.is_empty() && !value.contains(['"', ',', '\n', '\r']) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('"', "\"\""))
}

pub(super) async fn json(mut stream: SendableRecordBatchStream, out: &mut dyn Write) -> Result<Printed> {
    let mut printed = Printed { rows: 0, cut: false };
    let mut out = BufWriter::new(out);
    while let Some(batch) = stream.try_next().await.map_err(|error| describe(&error, &[]))? {
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
        writer
            .write(&written(&batch, true)?)
            .and_then(|()| writer.finish())
            .map_err(|cause| Error::usage("this result cannot be JSON").because(cause))?;
        if let Err(cause) = out.write_all(&writer.into_inner()) {
            return finish(Err(cause), printed);
        }
        printed.rows += batch.num_rows() as u64;
    }
    finish(out.flush(), printed)
}

/// A reader that has seen enough (`| head`) is no fault.
fn finish(written: io::Result<()>, printed: Printed) -> Result<Printed> {
    match written {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::machine("cannot print the result").because(cause))
        }
        _ => Ok(printed),
    }
}
