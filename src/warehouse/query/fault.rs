//! What went wrong with a query, in this program's words.

use super::catalog;
use super::told::Told;
use crate::error::Error;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// Most tables that an error message lists.
const TABLES_LISTED_MAX: usize = 80;

/// What helps against what is no fault of the query.
const WHOLE: &str = "see whether the files are there and whole";

/// DataFusion's error, sorted by what the operator can do and cleaned of what it says about itself.
pub(super) fn describe(error: &DataFusionError, tables: &[String]) -> Error {
    let root = error.find_root();
    if let DataFusionError::External(cause) = root
        && let Some(told) = cause.downcast_ref::<Told>()
    {
        return told.error();
    }
    let text = match root {
        DataFusionError::SQL(fault, _) => fault.to_string(),
        DataFusionError::ArrowError(fault, _) => fault.to_string(),
        DataFusionError::SchemaError(fault, _) => fault.to_string(),
        other => other.message().into_owned(),
    };
    let text = clean(&text);
    match root {
        DataFusionError::ResourcesExhausted(_) => {
            Error::machine(text).help("ask for fewer rows or columns, or group by less")
        }
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        | DataFusionError::Internal(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::External(_)
        | DataFusionError::Ffi(_) => Error::input(text).help(WHOLE),
        DataFusionError::ArrowError(fault, _) if !is_of_values(fault) => Error::input(text).help(WHOLE),
        _ if text.contains("not supported:") => {
            Error::usage(text).help("queries only read: tables change by loads alone")
        }
        _ if text.starts_with("table ") && text.ends_with(" not found") => {
            Error::usage(text).help(listing(tables))
        }
        _ => Error::usage(text),
    }
}

/// Whether values that were read as they are do not go with what the query does to them.
fn is_of_values(fault: &ArrowError) -> bool {
    use ArrowError::{ArithmeticOverflow, CastError, ComputeError, DivideByZero, NotYetImplemented};
    matches!(
        fault,
        ArithmeticOverflow(_)
            | CastError(_)
            | ComputeError(_)
            | DivideByZero
            | NotYetImplemented(_)
            | ArrowError::ParseError(_)
    )
}

fn clean(text: &str) -> String {
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default().trim();
    let prefixes = ["sql parser error: ", "Error during planning: ", "Arrow error: ", "Schema error: "];
    let text = prefixes.iter().fold(text, |text, prefix| text.strip_prefix(prefix).unwrap_or(text));
    let text = text.replace(&format!("{}.{}.", catalog::CATALOG, catalog::SCHEMA), "").replace('\n', " ");
    let text = text.trim_end_matches('.');
    // Lower case like every error of this program, unless it begins with a name or a keyword.
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            format!("{}{}", first.to_lowercase(), &text[first.len_utf8()..])
        }
        _ => text.to_owned(),
    }
}

fn listing(tables: &[String]) -> String {
    match tables.len() {
        0 => "there are no tables: load one with csl-stream backfill, or name files with --files".to_owned(),
        count if count > TABLES_LISTED_MAX => {
            format!("{count} tables, among them: {}", tables[..TABLES_LISTED_MAX].join(", "))
        }
        _ => format!("tables: {}", tables.join(", ")),
    }
}
