//! Who was erased from the mirror's tables: `csl_stream_erased`, a row for each value, as salted hashes.
//!
//! The table is made by the first run of `erase`, or by whoever runs what `csl-stream schema ddl --ledger` prints.
//! Whether it is there, a load learns with what it asks the catalogue anyway.

use super::data_api::{DataApi, Fault};
use super::quote::{qualified, quote_literal};
use crate::error::{Error, Place, Result};
use crate::privacy::{Mark, Marked, Marks};
use crate::schema::{VARCHAR_BYTES_MAX, quote_identifier};

/// Table of the marks.
pub const ERASED: &str = "csl_stream_erased";

/// Its columns, with their types.
const COLUMNS: [(&str, &str); 6] = [
    ("table_name", "VARCHAR(127) NOT NULL"),
    ("column_name", "VARCHAR(127) NOT NULL"),
    ("salt", "VARCHAR(64) NOT NULL"),
    ("hash", "VARCHAR(64) NOT NULL"),
    ("erase_id", "VARCHAR(36) NOT NULL"),
    ("erased_at", "TIMESTAMP NOT NULL"),
];

/// The statement that makes the table, harmless where it is there already.
pub(super) fn create_erased(schema: &str) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|(name, sql)| format!("{name} {sql}")).collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({})", qualified(schema, ERASED), columns.join(", "))
}

/// Reads a table's marks.
pub(super) fn select(schema: &str, table: &str) -> String {
    format!(
        "SELECT column_name, salt, hash, erase_id FROM {} WHERE table_name = {} \
         ORDER BY column_name, salt, hash",
        qualified(schema, ERASED),
        quote_literal(table)
    )
}

/// Writes marks, of which there must be one; `at` is when, `YYYY-MM-DD hh:mm:ss`.
pub(super) fn insert(schema: &str, table: &str, marks: &[&Mark], at: &str) -> String {
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let row = |mark: &&Mark| {
        let texts = [table, &mark.column, &mark.salt, &mark.hash, &mark.erase_id].map(quote_literal);
        format!("({}, CAST({} AS TIMESTAMP))", texts.join(", "), quote_literal(at))
    };
    let rows: Vec<_> = marks.iter().map(row).collect();
    format!("INSERT INTO {} ({}) VALUES {}", qualified(schema, ERASED), names.join(", "), rows.join(", "))
}

/// SQL that is true of rows whose value has a mark, or is one of `hidden`. The values themselves are in no statement,
/// and so in no history of statements. SHA2 gives lower-case hexadecimal (dg/SHA2).
pub(super) fn is_marked<'a>(
    column: &str,
    marked: &Marked,
    hidden: impl Iterator<Item = &'a String>,
) -> String {
    let column = quote_identifier(column);
    let list = |texts: &mut dyn Iterator<Item = &'a String>| -> String {
        texts.map(|text| quote_literal(text)).collect::<Vec<_>>().join(", ")
    };
    let mut conditions = Vec::new();
    for (salt, hashes) in marked.words() {
        let hashes: Vec<_> = hashes.iter().map(|hash| quote_literal(hash)).collect();
        conditions.push(format!(
            "SHA2({} || LOWER(TRIM(CAST({column} AS VARCHAR({VARCHAR_BYTES_MAX})))), 256) IN ({})",
            quote_literal(salt),
            hashes.join(", ")
        ));
    }
    let mut hidden = hidden;
    let hidden = list(&mut hidden);
    if !hidden.is_empty() {
        conditions.push(format!("CAST({column} AS VARCHAR({VARCHAR_BYTES_MAX})) IN ({hidden})"));
    }
    if conditions.is_empty() { "(1 = 0)".to_owned() } else { format!("({})", conditions.join(" OR ")) }
}

/// The marks of a table; none where nobody was ever erased.
///
/// # Errors
/// Whatever Redshift has against the question: who may not read the marks must not load.
pub(super) fn read(api: &DataApi, schema: &str, table: &str) -> Result<Marks, Fault> {
    let rows = match api.query(&select(schema, table)) {
        Err(Fault::Statement(fault)) if fault.is_missing() => return Ok(Marks::default()),
        rows => rows?,
    };
    let mut marks = Vec::with_capacity(rows.len());
    for row in rows {
        let [Some(column), Some(salt), Some(hash), Some(erase_id)] = row.as_slice() else {
            return Err(Fault::Error(
                Error::input(format!("{ERASED} is not what this program wrote"))
                    .help("a later version may have written it: use that one"),
            ));
        };
        let own = |text: &String| text.clone();
        marks.push(Mark { column: own(column), salt: own(salt), hash: own(hash), erase_id: own(erase_id) });
    }
    Ok(Marks::new(marks))
}

/// Stops a load whose files were written under other marks than the table has now: they may hold rows of people who
/// were erased meanwhile. `erased` is the digest of its marks.
///
/// # Errors
/// [`Error::Transient`] if the marks are others, and those of [`read`].
pub(super) fn guard(api: &DataApi, schema: &str, table: &str, erased: &str) -> Result<()> {
    let marks = read(api, schema, table)
        .map_err(|fault| fault.into_error("reading who was erased", api.connection()))?;
    if marks.digest() == erased {
        return Ok(());
    }
    Err(Error::transient("people were erased from the table after the files were written")
        .at(Place::uri(api.connection().to_string()))
        .help("run backfill again: it reads the export anew and leaves their rows out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_holds_a_value() {
        let marks = Marks::new([Mark::of("email", "0011", "ann@example.org", "E")]);
        let hidden = ["ab'c".to_owned()];
        let condition = is_marked("email", &marks.of_column("email"), hidden.iter());
        let all: Vec<_> = marks.iter().collect();
        let insert = insert("public", "t", &all, "2026-03-01 00:00:00");
        for sql in [&condition, &insert] {
            assert!(!sql.contains("ann") && sql.contains(&all[0].hash), "{sql}");
        }
        assert!(
            condition.contains("SHA2('0011' || LOWER(TRIM(CAST(\"email\" AS VARCHAR(65535)))), 256) IN (")
        );
        assert!(condition.ends_with(" IN ('ab''c'))"), "{condition}");
        assert_eq!(is_marked("id", &marks.of_column("id"), std::iter::empty()), "(1 = 0)");
    }
}
