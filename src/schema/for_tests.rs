//! Tables and targets of a line, for tests.

use super::{BulkSchema, Identity, Table, TargetColumn, TargetTable, TargetType};

/// A target of these columns: `varchar(9) not null`.
pub(super) fn target(columns: &[(&str, &str)]) -> TargetTable {
    let column = |&(name, sql): &(&str, &str)| {
        let (sql, nullable) = sql.strip_suffix(" not null").map_or((sql, true), |sql| (sql, false));
        let mut numbers = sql.split(['(', ',', ')']).skip(1).map(|n| n.parse().unwrap_or(0));
        let (first, second) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let target_type = TargetType::parse(sql, first, first, second);
        TargetColumn {
            name: name.to_owned(),
            target_type,
            nullable,
            has_default: false,
            identity: Identity::None,
        }
    };
    TargetTable { schema: "public".into(), name: "t".into(), columns: columns.iter().map(column).collect() }
}

/// A table of the schema of these columns.
pub(super) fn table(columns: &[(&str, &str)]) -> Table {
    let column = |(name, sql): &(&str, &str)| format!(r#"{name:?}:{{"type":"x","sql_type":"{sql}"}}"#);
    let columns: Vec<_> = columns.iter().map(column).collect();
    let json = format!(r#"{{"table":{{"name":"t","columns":{{{}}}}}}}"#, columns.join(","));
    BulkSchema::parse(json.as_bytes(), "test").unwrap().tables.remove(0)
}
