//! A table under rules of privacy: what the warehouse has of it.

use super::types::ONE_BYTE_KIND;
use super::{Column, ColumnType, Table};
use crate::error::{Error, Result};
use crate::privacy::{Policy, PolicyId, Rule, Rules};

impl Table {
    /// The table as the warehouse has it: without the columns that are dropped, in the types that the rules make.
    ///
    /// # Errors
    /// [`Error::Usage`] for a rule that has nothing to work on in a column of its type.
    pub fn under(&self, rules: &Rules) -> Result<Self> {
        let mut columns = self.columns.clone();
        columns.retain(|name, _| rules.decide(&self.name, name).rule != Rule::Drop);
        for (name, column) in &mut columns {
            let rule = rules.decide(&self.name, name).rule;
            if rule.transforms() {
                *column = column.under(rule).map_err(|fault| {
                    Error::usage(format!("the rule {rule} of {}.{name}: {fault}", self.name))
                        .help("null it, drop it, or hash it")
                })?;
            }
            column.nullable |= rule == Rule::Null;
        }
        Ok(Self { columns, ..self.clone() })
    }

    /// What tells this policy from another that makes other values of this table.
    pub fn policy_id(&self, policy: &Policy) -> Option<PolicyId> {
        policy.id_of(&self.name, self.columns.keys().map(String::as_str))
    }
}

impl Column {
    /// What a rule that transforms values makes of the column.
    fn under(&self, rule: Rule) -> std::result::Result<Self, String> {
        let is_text = ColumnType::of(self).is_ok_and(|(column_type, _)| column_type.is_text());
        if !is_text && !rule.needs_key() {
            return Err(format!("it is for texts, and the column is {}", self.sql_type));
        }
        let sql_type = match rule.chars_max() {
            Some(chars) => format!("character varying({chars})"),
            None => "text".to_owned(),
        };
        // What is no value of its kind becomes NULL.
        let nullable = self.nullable || matches!(rule, Rule::Domain | Rule::Network);
        let kind = if rule.has_form() { ONE_BYTE_KIND } else { "string" };
        Ok(Self { kind: kind.to_owned(), sql_type, limit: None, nullable, default_value: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{NewColumns, Preset};
    use crate::schema::BulkSchema;

    const TABLE: &str = r#"{"table":{"name":"t","columns":{
        "id":{"type":"integer","sql_type":"bigint","nullable":false},
        "email":{"type":"string","sql_type":"character varying(255)","nullable":false},
        "ip":{"type":"inet","sql_type":"inet","nullable":false},
        "token":{"type":"string","sql_type":"text"},
        "at":{"type":"datetime","sql_type":"timestamp without time zone","nullable":false}}}}"#;

    fn under(rules: &[(&str, &str)]) -> Result<Table> {
        let table = BulkSchema::parse(TABLE.as_bytes(), "test").unwrap().tables.remove(0);
        table.under(&Rules::new(rules.iter().copied(), Preset::None, NewColumns::Keep)?)
    }

    #[test]
    fn the_warehouse_has_what_the_rules_leave() {
        let rules = [
            ("t.email", "hash"),
            ("t.ip", "network"),
            ("t.token", "drop"),
            ("t.at", "null"),
            ("t.id", "keep"),
        ];
        let table = under(&rules).unwrap();
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|(name, column)| (name.as_str(), column.sql_type.as_str(), column.nullable))
            .collect();
        assert_eq!(
            columns,
            [
                ("id", "bigint", false),
                ("email", "character varying(64)", false),
                ("ip", "character varying(20)", true),
                ("at", "timestamp without time zone", true),
            ]
        );
    }

    #[test]
    fn a_rule_for_texts_needs_a_text() {
        for (column, rule, sound) in [
            ("t.id", "domain", false),
            ("t.at", "prefix:3", false),
            ("t.id", "network", false),
            ("t.id", "hash", true),
            ("t.ip", "domain", true),
            ("t.email", "prefix:3", true),
        ] {
            assert_eq!(under(&[(column, rule)]).is_ok(), sound, "{column} {rule}");
        }
    }
}
