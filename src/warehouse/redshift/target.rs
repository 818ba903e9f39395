//! Reads what the target table is. Never assumed: the files are written in its types.

use super::data_api::{DataApi, Row};
use super::quote::quote_literal;
use crate::error::{Error, Result};
use crate::schema::{TargetColumn, TargetTable, TargetType};

/// The columns of a table, or none if it is not there.
///
/// # Errors
/// If the catalogue cannot be read.
pub(super) fn read(api: &DataApi, schema: &str, table: &str) -> Result<Option<TargetTable>> {
    let sql = format!(
        "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, \
         column_default FROM svv_columns WHERE table_schema = {} AND table_name = {} ORDER BY ordinal_position",
        quote_literal(schema),
        quote_literal(table),
    );
    let rows =
        api.query(&sql).map_err(|fault| fault.into_error("reading the table's columns", api.connection()))?;
    let columns = rows.iter().map(column).collect::<Result<Vec<_>>>()?;
    let found = TargetTable { schema: schema.to_owned(), name: table.to_owned(), columns };
    Ok((!found.columns.is_empty()).then_some(found))
}

/// One row of the catalogue.
fn column(row: &Row) -> Result<TargetColumn> {
    let text = |at: usize| row.get(at).cloned().flatten();
    let number = |at: usize| text(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    let (Some(name), Some(data_type)) = (text(0), text(1)) else {
        return Err(Error::machine("svv_columns gave a column without a name or a type"));
    };
    Ok(TargetColumn {
        name,
        target_type: TargetType::parse(&data_type, number(2), number(3), number(4)),
        nullable: text(5).is_none_or(|word| !word.eq_ignore_ascii_case("no")),
        has_default: text(6).is_some_and(|default| !default.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_catalogue_are_columns() {
        let decimal = TargetType::Decimal { precision: 13, scale: 10 };
        for (cells, target_type, nullable, has_default) in [
            ("a|integer|-|32|0|NO|-", TargetType::Integer, false, false),
            ("a|character varying|255|-|-|YES|-", TargetType::Varchar(255), true, false),
            ("a|character|36|-|-|YES|-", TargetType::Char(36), true, false),
            ("a|numeric|-|13|10|YES|-", decimal, true, false),
            ("a|timestamp without time zone|-|-|-|YES|getdate()", TargetType::Timestamp, true, true),
            ("a|super|-|-|-|YES|-", TargetType::Super, true, false),
        ] {
            let row: Row = cells.split('|').map(|cell| (cell != "-").then(|| cell.to_owned())).collect();
            let expected = TargetColumn { name: "a".into(), target_type, nullable, has_default };
            assert_eq!(column(&row).unwrap(), expected, "{cells}");
        }
        assert!(column(&vec![None]).is_err());
    }
}
