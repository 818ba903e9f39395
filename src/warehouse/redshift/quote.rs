//! Texts and names as SQL takes them.

use crate::schema::quote_identifier;

/// A text between single quotes. Backslashes are doubled too: Redshift takes them for escapes.
pub(super) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A literal, or NULL.
pub(super) fn literal_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), quote_literal)
}

/// `"schema"."table"`.
pub(super) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(table))
}
