//! Which type of the source goes into which type of the target, and how.

use super::target::{
    Conversion, Difference, Fitted, TargetColumn, TargetTable, TargetType, VARCHAR_BYTES_MAX,
};
use super::{Column, ColumnType, Layout, MissingColumns, OutputColumn, Table, Width, quote_identifier};
use crate::error::Result as Checked;
use crate::error::shown;

/// Characters of UTF-8 are at most this many bytes.
const CHAR_BYTES_MAX: u32 = 4;
/// Bytes of a UUID as text.
const UUID_BYTES: u32 = 36;

/// What a column becomes, or why it cannot.
type Fit = Result<(ColumnType, Option<Width>, Conversion), String>;

impl TargetTable {
    /// Compares a layout with the target and gives it the target's types; never fails, so that a plan
    /// can show everything.
    pub fn compare(&self, layout: Layout, table: &Table, missing: MissingColumns) -> Fitted {
        Fitting::new(self, table, missing).run(layout)
    }

    /// [`TargetTable::compare`], and refuses what cannot be loaded.
    ///
    /// # Errors
    /// [`crate::Error::Schema`] that names every difference that stops the load, each with its help.
    pub fn fit(&self, layout: Layout, table: &Table, missing: MissingColumns) -> Checked<Fitted> {
        let fitted = self.compare(layout, table, missing);
        match fitted.fault(self) {
            Some(error) => Err(error),
            None => Ok(fitted),
        }
    }
}

/// A comparison under way.
struct Fitting<'a> {
    target: &'a TargetTable,
    table: &'a Table,
    missing: MissingColumns,
    differences: Vec<Difference>,
}

impl<'a> Fitting<'a> {
    fn new(target: &'a TargetTable, table: &'a Table, missing: MissingColumns) -> Self {
        Self { target, table, missing, differences: Vec::new() }
    }

    fn run(mut self, layout: Layout) -> Fitted {
        let mut columns = Vec::with_capacity(layout.columns.len());
        let mut conversions = Vec::with_capacity(layout.columns.len());
        for column in layout.columns {
            let (column, conversion) = self.column(column);
            columns.push(column);
            conversions.push(conversion);
        }
        for extra in &self.target.columns {
            if columns.iter().all(|column| column.name != extra.name) {
                self.extra(extra);
            }
        }
        self.order(&columns);
        let layout = Layout { columns, ..layout };
        Fitted { layout, conversions, differences: self.differences }
    }

    fn column(&mut self, column: OutputColumn) -> (OutputColumn, Conversion) {
        let Some(target) = self.target.column(&column.name) else {
            self.lacking(&column);
            return (column, Conversion::None);
        };
        let source = self.table.columns.get(&column.name);
        let (column_type, width, conversion) = match fit(&column, source, &target.target_type) {
            Ok(fit) => fit,
            Err(help) => {
                self.misfit(&column, target, &help);
                (column.column_type, column.width, Conversion::None)
            }
        };
        self.narrow(&column, target);
        // A NULL that the target refuses would stop the copy: the record is a reject before that.
        let nullable = column.nullable && target.nullable;
        if column.field.is_none() && !target.nullable {
            let what =
                format!("column {} of the table takes no NULL, and the file lacks it", shown(&column.name));
            self.stop(what, "allow NULL in the table, or export the column".to_owned());
        }
        (
            OutputColumn { name: target.name.clone(), column_type, width, nullable, field: column.field },
            conversion,
        )
    }

    fn lacking(&mut self, column: &OutputColumn) {
        let name = quote_identifier(&column.name);
        let ddl = column.column_type.redshift_ddl();
        let what = format!("column {} is not in the table", shown(&column.name));
        self.stop(what, format!("ALTER TABLE {} ADD COLUMN {name} {ddl}", self.target.qualified()));
    }

    fn misfit(&mut self, column: &OutputColumn, target: &TargetColumn, help: &str) {
        let what = format!(
            "column {} is {} in the table, and the export's {} does not fit it",
            shown(&column.name),
            target.target_type.ddl(),
            column.column_type.redshift_ddl(),
        );
        self.stop(what, help.to_owned());
    }

    /// What a narrower column may cut or refuse is said beforehand; each cut is counted when it happens.
    fn narrow(&mut self, column: &OutputColumn, target: &TargetColumn) {
        let TargetType::Varchar(bytes) = target.target_type else { return };
        let source_bytes = match column.width {
            Some(Width::Chars(chars)) => chars.saturating_mul(CHAR_BYTES_MAX),
            Some(Width::Bytes(most)) => most,
            Some(Width::Super) | None => VARCHAR_BYTES_MAX,
        };
        let fate = match column.column_type {
            ColumnType::Text => "a longer text is cut or rejected",
            ColumnType::Structured | ColumnType::Geography => "a longer value is rejected",
            // A UUID fits, or the column is a misfit.
            _ => return,
        };
        if bytes < source_bytes.min(VARCHAR_BYTES_MAX) {
            let what = format!("column {} takes {bytes} bytes; {fate}", shown(&column.name));
            let help = match bytes {
                // Only a VARCHAR can be widened in place.
                0..VARCHAR_BYTES_MAX => format!(
                    "ALTER TABLE {} ALTER COLUMN {} TYPE VARCHAR({VARCHAR_BYTES_MAX})",
                    self.target.qualified(),
                    quote_identifier(&target.name)
                ),
                _ => String::new(),
            };
            self.differences.push(Difference { what, help, stops: false });
        }
    }

    fn extra(&mut self, extra: &TargetColumn) {
        let what = format!("column {} of the table is not in the export", shown(&extra.name));
        let allowed = self.missing == MissingColumns::Null && (extra.nullable || extra.has_default);
        if allowed {
            let help = "it gets its default, or NULL".to_owned();
            self.differences.push(Difference { what, help, stops: false });
        } else if extra.nullable || extra.has_default {
            self.stop(what, "fill it with its default or NULL with --missing-columns null".to_owned());
        } else {
            self.stop(what, "it takes no NULL: drop it from the table, or allow NULL in it".to_owned());
        }
    }

    /// Another order is harmless, because the copy names its columns; it is worth knowing all the same.
    fn order(&mut self, columns: &[OutputColumn]) {
        let at = |column: &OutputColumn| self.target.columns.iter().position(|t| t.name == column.name);
        let places: Vec<usize> = columns.iter().filter_map(at).collect();
        if !places.is_sorted() {
            let what = "the table's columns stand in another order than the export's".to_owned();
            let help = "nothing to do: the copy names its columns".to_owned();
            self.differences.push(Difference { what, help, stops: false });
        }
    }

    fn stop(&mut self, what: String, help: String) {
        self.differences.push(Difference { what, help, stops: true });
    }
}

fn fit(column: &OutputColumn, source: Option<&Column>, target: &TargetType) -> Fit {
    use ColumnType as From;
    let plain = |column_type| Ok((column_type, None, Conversion::None));
    match (column.column_type, target) {
        (From::SmallInt, TargetType::SmallInt) => plain(From::SmallInt),
        (From::SmallInt | From::Integer, TargetType::Integer) => plain(From::Integer),
        (From::SmallInt | From::Integer | From::BigInt, TargetType::BigInt) => plain(From::BigInt),
        (from, &TargetType::Decimal { precision, scale }) => decimal(from, precision, scale),
        (From::Real, TargetType::Real) => plain(From::Real),
        (From::Real | From::Double | From::SmallInt | From::Integer, TargetType::Double) => {
            plain(From::Double)
        }
        (From::Boolean, TargetType::Boolean) => plain(From::Boolean),
        (From::Date, TargetType::Date) => plain(From::Date),
        (From::Timestamp, TargetType::Timestamp) => plain(From::Timestamp),
        (From::TimestampTz, TargetType::TimestampTz) => plain(From::TimestampTz),
        (From::Uuid, &(TargetType::Char(bytes) | TargetType::Varchar(bytes))) if bytes >= UUID_BYTES => {
            plain(From::Uuid)
        }
        (From::Uuid, TargetType::Char(_) | TargetType::Varchar(_)) => {
            Err("make the column CHAR(36)".to_owned())
        }
        (from @ (From::Text | From::Structured | From::Geography), &TargetType::Varchar(bytes)) => {
            Ok((from, Some(text_width(column.width, bytes)), Conversion::None))
        }
        (from @ From::Structured, TargetType::Super) if source.is_some_and(is_json) => {
            Ok((from, Some(Width::Super), Conversion::JsonParse))
        }
        // Copied as a VARCHAR first, in hexadecimal: what that holds is less than a GEOGRAPHY may have.
        (From::Geography, TargetType::Geography) => {
            Ok((From::Geography, Some(Width::Bytes(VARCHAR_BYTES_MAX)), Conversion::GeogFromWkb))
        }
        (From::Text | From::Structured, TargetType::Char(_)) => {
            Err("CHAR holds single-byte characters alone: make the column VARCHAR".to_owned())
        }
        (from, _) => Err(format!("make the column {}", from.redshift_ddl())),
    }
}

fn decimal(from: ColumnType, precision: u8, scale: u8) -> Fit {
    let whole = precision.saturating_sub(scale);
    let (digits, fraction) = match from {
        ColumnType::SmallInt => (5, 0),
        ColumnType::Integer => (10, 0),
        ColumnType::BigInt => (19, 0),
        ColumnType::Decimal { precision, scale } => (precision - scale, scale),
        other => return Err(format!("make the column {}", other.redshift_ddl())),
    };
    if digits > whole || fraction > scale {
        return Err(format!("make the column {}", from.redshift_ddl()));
    }
    Ok((ColumnType::Decimal { precision, scale }, None, Conversion::None))
}

/// The width that binds: the target's bytes, unless the source's characters cannot reach them.
fn text_width(source: Option<Width>, bytes: u32) -> Width {
    match source {
        Some(Width::Chars(chars)) if chars.saturating_mul(CHAR_BYTES_MAX) <= bytes => Width::Chars(chars),
        Some(Width::Bytes(most)) => Width::Bytes(most.min(bytes)),
        _ => Width::Bytes(bytes),
    }
}

fn is_json(column: &Column) -> bool {
    matches!(column.sql_type.trim().to_ascii_lowercase().as_str(), "json" | "jsonb")
}

#[cfg(test)]
#[path = "fitting_tests.rs"]
mod tests;
