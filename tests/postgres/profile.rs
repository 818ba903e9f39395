//! What the report says of each column, against what PostgreSQL says of it.

use crate::postgres::Database;
use serde_json::Value;

/// Digits of a decimal whose sum a report has.
const SUM_DIGITS_MAX: u32 = 28;

/// The functions of `profile.sql`.
pub(crate) fn prepare(database: &Database<'_>) {
    database.run(include_str!("profile.sql"));
}

/// What PostgreSQL says of a table.
pub(crate) fn profile(database: &Database<'_>, table: &str) -> Value {
    let query = database.text(&format!("SELECT csl_profile('{table}')"));
    serde_json::from_str(&database.text(&format!("SET timezone = 'UTC' \\g /dev/null\n{query}")))
        .expect("JSON")
}

/// The first column of which the report says something else.
pub(crate) fn first_difference(
    report: &Value,
    profile: &Value,
    sql_types: &[String],
    rows: u64,
) -> Option<String> {
    let (report, profile) = (report.as_array()?, profile.as_array()?);
    if report.len() != profile.len() {
        return Some(format!("the report has {} columns, the table {}", report.len(), profile.len()));
    }
    report.iter().zip(profile).zip(sql_types).find_map(|((said, wanted), sql_type)| {
        let values = rows - wanted["nulls"].as_u64()?;
        let field = |name: &str| {
            let wanted = match name {
                "sum" if digits(sql_type) > SUM_DIGITS_MAX => &Value::Null,
                _ => &wanted[name],
            };
            let slack = if name == "sum" { slack(said, values) } else { 0.0 };
            let same = same(&said[name], wanted, slack);
            (!same).then(|| {
                format!(
                    "{name} of {} ({sql_type}): {}, but PostgreSQL has {wanted}",
                    said["name"], said[name]
                )
            })
        };
        ["name", "nulls", "empties", "bytes", "min", "max", "sum"].into_iter().find_map(field)
    })
}

/// How far two sums of so many floats may lie apart, whatever the order.
fn slack(said: &Value, values: u64) -> f64 {
    let size =
        |name: &str| said[name].as_f64().map_or(0.0, |end| if end.abs() < 1e150 { end.abs() } else { 1e150 });
    (values as f64).powi(2) * f64::EPSILON * size("min").max(size("max"))
}

fn digits(sql_type: &str) -> u32 {
    let digits = sql_type.strip_prefix("numeric(").and_then(|rest| rest.split(',').next());
    digits.map_or(0, |digits| digits.parse().expect("a number"))
}

/// What PostgreSQL leaves out is nothing, or none.
fn same(said: &Value, wanted: &Value, slack: f64) -> bool {
    match (said, wanted) {
        (Value::Null, Value::Null) => true,
        (Value::Number(said), Value::Null) => said.as_u64() == Some(0),
        (Value::Number(said), Value::String(wanted)) if said.is_f64() => {
            let (said, wanted) = (said.as_f64().expect("a float"), wanted.parse::<f64>().expect("a float"));
            (said - wanted).abs() <= slack
        }
        (Value::Number(said), Value::String(wanted)) => said.to_string() == *wanted,
        (said, wanted) => said == wanted,
    }
}
