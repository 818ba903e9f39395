//! Columns of a result under the names that they were asked by: what plans a query writes `count(Int64(1))` for
//! `count(1)`.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast::{Expr, SelectItem, SetExpr, Statement};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use futures::StreamExt;
use std::sync::Arc;

/// One item of what is selected.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    /// A column under its own name, or under one that was given.
    Named,
    /// An expression without a name, as it was written.
    Expression(String),
    /// `*`: as many columns as there are.
    All,
}

/// The stream with its columns named as the statement has them; as it is where that cannot be told.
pub(super) fn as_typed(sql: &str, stream: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let schema = stream.schema();
    let Some(names) = items(sql).and_then(|items| names(&items, schema.fields().len())) else {
        return stream;
    };
    let fields = schema.fields().iter().zip(names);
    let fields: Vec<Field> = fields
        .map(|(field, name)| {
            name.map_or_else(|| field.as_ref().clone(), |name| field.as_ref().clone().with_name(name))
        })
        .collect();
    let renamed: SchemaRef = Arc::new(Schema::new(fields));
    let of_batch = Arc::clone(&renamed);
    let batches = stream.map(move |batch| {
        let batch = batch?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&of_batch), batch.columns().to_vec(), &rows)
            .map_err(DataFusionError::from)
    });
    Box::pin(RecordBatchStreamAdapter::new(renamed, batches))
}

/// What the outermost SELECT of a statement selects.
fn items(sql: &str) -> Option<Vec<Item>> {
    let statements = Parser::parse_sql(&GenericDialect {}, sql).ok()?;
    let [Statement::Query(query)] = &statements[..] else { return None };
    let mut body = &*query.body;
    let select = loop {
        body = match body {
            SetExpr::Select(select) => break select,
            SetExpr::Query(query) => &query.body,
            SetExpr::SetOperation { left, .. } => left,
            _ => return None,
        };
    };
    let item = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => Item::Named,
        SelectItem::UnnamedExpr(expression) => Item::Expression(expression.to_string()),
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => Item::All,
        _ => Item::Named,
    };
    Some(select.projection.iter().map(item).collect())
}

/// For each of so many columns the name that it gets, if it gets another one; none if it cannot be told which are whose.
fn names(items: &[Item], columns: usize) -> Option<Vec<Option<String>>> {
    let name = |item: &Item| match item {
        Item::Expression(text) => Some(text.clone()),
        Item::Named | Item::All => None,
    };
    let all = items.iter().filter(|item| **item == Item::All).count();
    match (all, columns.checked_sub(items.len() - all)) {
        (0, Some(0)) => Some(items.iter().map(name).collect()),
        (1, Some(wide)) => {
            let each = |item: &Item| vec![name(item); if *item == Item::All { wide } else { 1 }];
            Some(items.iter().flat_map(each).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_named_as_they_were_written() {
        for (sql, columns, expected) in [
            (
                "select count(*), a, a + 1 as b, lower(c) from t",
                4,
                &[Some("count(*)"), None, None, Some("lower(c)")][..],
            ),
            ("select 1 union all select 2", 1, &[Some("1")]),
            (
                "with x as (select 1) (select count(*) filter (where a = '') from x)",
                1,
                &[Some("count(*) FILTER (WHERE a = '')")],
            ),
            ("select *, a + 1 from t", 3, &[None, None, Some("a + 1")]),
        ] {
            let found = names(&items(sql).unwrap(), columns).unwrap();
            let found: Vec<_> = found.iter().map(Option::as_deref).collect();
            assert_eq!(found, expected, "{sql}");
        }
        assert_eq!(names(&items("select a.*, b.*, 1 from a, b").unwrap(), 5), None, "whose is which?");
        assert_eq!(names(&items("select 1").unwrap(), 2), None);
        for sql in ["", "select", "explain select 1", "select 1; select 2"] {
            assert_eq!(items(sql), None, "{sql}");
        }
    }
}
