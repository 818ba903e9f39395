//! What the user that loads must be granted: as statements for whoever may grant, and as questions to the
//! catalogue. Pure.
//!
//! ```text
//! schema    USAGE                       target   SELECT, INSERT, DELETE
//! database  TEMP                        ledger, marks   SELECT, INSERT    lock     SELECT, UPDATE
//! ```
//!
//! Redshift counts UPDATE apart from the others (r_GRANT). COPY needs INSERT (r_COPY); VACUUM and ANALYZE
//! need the table's owner, so they are wishes, not needs.

use super::catalogue::Catalogue;
use super::ledger::{LEDGER, alter_ledger, create_ledger, create_lock, enter, lock_name};
use super::marks::{ERASED, create_erased};
use super::quote::{qualified, quote_literal};
use crate::schema::quote_identifier;

/// Something that privileges are granted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    /// The database that is connected to.
    Database,
    /// A schema.
    Schema(String),
    /// A table, by schema and name.
    Table(String, String),
}

/// A privilege that a load needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) privilege: &'static str,
    pub(super) on: Object,
}

impl Need {
    fn of_table(privilege: &'static str, schema: &str, table: &str) -> Self {
        Self { privilege, on: Object::Table(schema.to_owned(), table.to_owned()) }
    }

    /// SQL that is true if the user has it.
    pub(super) fn question(&self) -> String {
        let privilege = quote_literal(self.privilege);
        match &self.on {
            Object::Database => format!("HAS_DATABASE_PRIVILEGE(CURRENT_DATABASE(), {privilege})"),
            Object::Schema(schema) => format!("HAS_SCHEMA_PRIVILEGE({}, {privilege})", quote_literal(schema)),
            Object::Table(schema, table) => {
                format!("HAS_TABLE_PRIVILEGE({}, {privilege})", quote_literal(&qualified(schema, table)))
            }
        }
    }

    /// As it is granted: `UPDATE ON "public"."csl_stream_lock_t"`.
    pub(super) fn shown(&self, database: &str) -> String {
        let on = match &self.on {
            Object::Database => format!("DATABASE {}", quote_identifier(database)),
            Object::Schema(schema) => format!("SCHEMA {}", quote_identifier(schema)),
            Object::Table(schema, table) => qualified(schema, table),
        };
        format!("{} ON {on}", self.privilege)
    }
}

/// What every load needs, whatever its table.
pub(super) fn of_all(schema: &str) -> Vec<Need> {
    vec![
        Need { privilege: "USAGE", on: Object::Schema(schema.to_owned()) },
        Need { privilege: "TEMP", on: Object::Database },
    ]
}

/// What a load needs on its table.
pub(super) fn of_target(schema: &str, table: &str) -> Vec<Need> {
    ["SELECT", "INSERT", "DELETE"].map(|word| Need::of_table(word, schema, table)).to_vec()
}

/// What every load needs on the ledger.
pub(super) fn of_ledger(schema: &str) -> Vec<Need> {
    ["SELECT", "INSERT"].map(|word| Need::of_table(word, schema, LEDGER)).to_vec()
}

/// What `erase` needs on the marks of who was erased; a load reads them, once they are there.
pub(super) fn of_erased(schema: &str) -> Vec<Need> {
    ["SELECT", "INSERT"].map(|word| Need::of_table(word, schema, ERASED)).to_vec()
}

/// What a load needs on its table's lock.
pub(super) fn of_lock(schema: &str, table: &str) -> Vec<Need> {
    ["SELECT", "UPDATE"].map(|word| Need::of_table(word, schema, &lock_name(table))).to_vec()
}

/// The ledger's tables, the locks of `tables`, and every grant that a load of them needs, as statements for a
/// user who may make tables in `schema` and owns those of the mirror. `user` is the user that loads:
/// `loader`, `IAM:name`, `IAMR:role`. The mirror's tables must be there.
pub fn ledger_ddl(database: &str, schema: &str, tables: &[String], user: &str) -> String {
    let mut statements = vec![create_ledger(schema), create_erased(schema)];
    let earlier: String = alter_ledger(schema, Catalogue::default().lacking())
        .iter()
        .map(|statement| format!("-- {statement};\n"))
        .collect();
    for table in tables {
        statements.push(create_lock(schema, table));
        statements.push(enter(schema, table));
    }
    let mut groups = of_all(schema).into_iter().map(|need| vec![need]).collect::<Vec<_>>();
    groups.extend([of_ledger(schema), of_erased(schema)]);
    for table in tables {
        groups.extend([of_target(schema, table), of_lock(schema, table)]);
    }
    for needs in groups {
        let words: Vec<_> = needs.iter().map(|need| need.privilege).collect();
        let on = needs[0].shown(database);
        let on = on.split_once(" ON ").map_or("", |(_, on)| on);
        statements.push(format!("GRANT {} ON {on} TO {}", words.join(", "), quote_identifier(user)));
    }
    let statements: String = statements.iter().map(|statement| format!("{statement};\n")).collect();
    format!(
        "{statements}-- A ledger of an earlier version lacks columns; a loader that owns it adds them itself:\n{earlier}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ddl_makes_the_tables_and_grants_what_is_needed() {
        let ddl = ledger_ddl("dev", "mirror", &["t".to_owned(), "Petitions".to_owned()], "IAMR:loader");
        for line in [
            "CREATE TABLE IF NOT EXISTS \"mirror\".\"csl_stream_lock_petitions\" (claim VARCHAR(64) NOT NULL);",
            "GRANT USAGE ON SCHEMA \"mirror\" TO \"IAMR:loader\";",
            "GRANT TEMP ON DATABASE \"dev\" TO \"IAMR:loader\";",
            "GRANT SELECT, INSERT ON \"mirror\".\"csl_stream_loads\" TO \"IAMR:loader\";",
            "GRANT SELECT, INSERT, DELETE ON \"mirror\".\"t\" TO \"IAMR:loader\";",
            "-- ALTER TABLE \"mirror\".\"csl_stream_loads\" ADD COLUMN table_id BIGINT;",
            "GRANT SELECT, UPDATE ON \"mirror\".\"csl_stream_lock_t\" TO \"IAMR:loader\";",
        ] {
            assert!(ddl.lines().any(|found| found == line), "{line}\n{ddl}");
        }
        assert!(
            ddl.starts_with("CREATE TABLE IF NOT EXISTS \"mirror\".\"csl_stream_loads\" (load_id"),
            "{ddl}"
        );
    }

    #[test]
    fn questions_name_what_is_granted() {
        let lock = &of_lock("public", "it's")[1];
        assert_eq!(lock.question(), "HAS_TABLE_PRIVILEGE('\"public\".\"csl_stream_lock_it''s\"', 'UPDATE')");
        assert_eq!(of_all("s")[1].shown("dev"), "TEMP ON DATABASE \"dev\"");
    }
}
